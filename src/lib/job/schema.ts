// The job's fields: titles, help, ranges, defaults, presets. Data for the form, the job file, the command line and the JSON
// Schema alike. Defaults that depend on the model or the data are set in resolve.ts.

import type { Fields, Preset } from '$lib/core/schema';
import type { ModelEntry } from '$lib/models/contract';
import { IMPORTED, type ImportedNetwork } from '$lib/models/imported';
import type { TaskMeta } from '$lib/tasks/contract';
import { CONTRASTIVE, FINE_TUNE, HEAD } from './fine-tuning';

/** What a job can name. Passed in, so that a test can have models of its own. */
export interface JobCatalog {
  models: readonly ModelEntry[];
  tasks: readonly TaskMeta[];
  /** The network in the file that `model.weights` names, where it is known; for jobs of the model 'imported'. */
  imported?(weights: string): ImportedNetwork | undefined;
}

/** All fields of a job with this task and model, in the order of the form; `model.config` and `loss` are the plugins' own. */
export function jobFields(catalog: JobCatalog, task: TaskMeta, model: ModelEntry): Fields {
  return {
    version: {
      type: 'integer',
      title: 'Version',
      help: 'Version of the job format; older documents are brought to this one when they are read.',
      advanced: true,
      default: 1,
      minimum: 1,
      maximum: 1,
    },
    task: {
      type: 'choice',
      title: 'Task',
      help: 'What the model learns to answer.',
      group: 'Model',
      default: task.id,
      options: catalog.tasks.map(({ id, title }) => ({ value: id, title })),
    },
    model: {
      type: 'object',
      title: 'Model',
      help: 'The network and its own settings.',
      group: 'Model',
      fields: {
        name: {
          type: 'choice',
          title: 'Architecture',
          help: 'The network that is trained.',
          default: model.meta.id,
          options: [
            ...catalog.models.map(({ meta }) => ({ value: meta.id, title: meta.title, help: meta.summary })),
            { value: IMPORTED, title: 'Imported network', help: 'The network in the file that model.weights names.' },
          ],
        },
        config: {
          type: 'object',
          title: 'Model settings',
          help: 'Settings of this model.',
          fields: model.config.fields,
        },
        weights: {
          type: 'string',
          title: 'Start from',
          help: 'Weights to start from: a name on the hub (timm/resnet18.a1_in1k), an address, a stored file (sha256:...) or, on the command line, a path. Empty starts from random numbers.',
          default: '',
        },
      },
    },
    head: HEAD,
    fine_tune: FINE_TUNE,
    contrastive: CONTRASTIVE,
    data: DATA,
    training: TRAINING,
    preprocess: preprocess(model),
    augment: AUGMENT,
    optimizer: OPTIMIZER,
    scheduler: SCHEDULER,
    loss: { type: 'object', title: 'Loss', help: 'What training makes small.', group: 'Loss', fields: task.lossFields },
    validation: validation(task),
    early_stopping: EARLY_STOPPING,
    checkpoints: CHECKPOINTS,
    engine: ENGINE,
    seed: {
      type: 'integer',
      title: 'Seed',
      help: 'Start of every random decision: same job, data, seed and device, same model.',
      group: 'Device and seed',
      advanced: true,
      default: 0,
      minimum: 0,
      maximum: 4294967295,
    },
  };
}

const DATA = {
  type: 'object',
  title: 'Data',
  help: 'Where the images are and how they are split.',
  group: 'Data',
  fields: {
    path: {
      type: 'string',
      title: 'Path',
      help: 'A folder or a zip, for the command line; the page uses the data set of the project.',
      advanced: true,
      default: '',
    },
    train_dir: {
      type: 'string',
      title: 'Train folder',
      help: 'Instead of a path, for the command line: the folder of the train split.',
      advanced: true,
      default: '',
    },
    val_dir: {
      type: 'string',
      title: 'Validation folder',
      help: 'For the command line: the folder of the validation split.',
      advanced: true,
      default: '',
    },
    test_dir: {
      type: 'string',
      title: 'Test folder',
      help: 'For the command line: the folder of the test split.',
      advanced: true,
      default: '',
    },
    split: {
      type: 'object',
      title: 'Split',
      help: 'How images are divided into train, validation and test.',
      advanced: true,
      fields: {
        source: {
          type: 'choice',
          title: 'Split by',
          help: 'Folders named train, val and test, or fractions of the whole.',
          default: 'auto',
          options: [
            { value: 'auto', title: 'Automatic', help: 'The folders where they exist, else fractions.' },
            { value: 'folders', title: 'Folders' },
            { value: 'fractions', title: 'Fractions' },
          ],
        },
        val: {
          type: 'number',
          title: 'Validation share',
          help: 'Share of the images that choose the best checkpoint.',
          default: 0.15,
          minimum: 0,
          maximum: 0.9,
          step: 0.05,
        },
        test: {
          type: 'number',
          title: 'Test share',
          help: 'Share of the images that training never sees in any way; the honest score comes from them.',
          default: 0.15,
          minimum: 0,
          maximum: 0.9,
          step: 0.05,
        },
        stratified: {
          type: 'boolean',
          title: 'Same mix of classes in each split',
          help: 'Stratified split: each class is divided by the same shares.',
          default: true,
        },
      },
    },
  },
} as const satisfies Fields[string];

const TRAINING = {
  type: 'object',
  title: 'Training',
  help: 'How long and in what portions.',
  group: 'Training',
  fields: {
    epochs: {
      type: 'integer',
      title: 'Epochs',
      help: 'How often training sees every image.',
      unit: 'epochs',
      default: 30,
      minimum: 1,
      maximum: 10000,
    },
    batch_size: {
      type: 'integer',
      title: 'Batch size',
      help: 'Images per step. Larger is faster on a big device and needs more memory.',
      unit: 'images',
      default: 64,
      minimum: 1,
      maximum: 4096,
    },
  },
} as const satisfies Fields[string];

function preprocess(model: ModelEntry) {
  return {
    type: 'object',
    title: 'Preprocessing',
    help: 'How an image becomes the input of the network; the same in training, prediction and export.',
    group: 'Image size and normalisation',
    fields: {
      image_size: {
        type: 'integer',
        title: 'Image size',
        help: `Height and width of the input. Time and memory grow with its square. ${model.meta.title} takes multiples of ${model.meta.sizeMultiple} from ${model.meta.minimumSize} on.`,
        unit: 'px',
        default: model.meta.recommended.imageSize,
        minimum: model.meta.minimumSize,
        maximum: 1024,
        multipleOf: model.meta.sizeMultiple,
      },
      resize: {
        type: 'choice',
        title: 'Resize',
        help: 'How an image of another shape becomes a square.',
        advanced: true,
        default: 'stretch',
        options: [
          { value: 'stretch', title: 'Stretch', help: 'Height and width are scaled separately.' },
          { value: 'crop', title: 'Crop', help: 'The shorter side is scaled, the centre is kept.' },
          { value: 'letterbox', title: 'Letterbox', help: 'The longer side is scaled, the rest is filled with grey.' },
        ],
      },
      interpolation: {
        type: 'choice',
        title: 'Interpolation',
        help: 'How pixels in between are computed.',
        advanced: true,
        default: 'bilinear',
        options: [
          { value: 'bilinear', title: 'Bilinear' },
          { value: 'bicubic', title: 'Bicubic' },
          { value: 'nearest', title: 'Nearest' },
        ],
      },
      normalize: {
        type: 'choice',
        title: 'Normalisation',
        help: 'Mean and standard deviation that are taken out of the pixels before the first layer.',
        advanced: true,
        default: 'dataset',
        options: [
          { value: 'dataset', title: 'Of this data set' },
          { value: 'weights', title: 'As the weights were trained' },
          { value: 'imagenet', title: 'ImageNet', help: 'Mean 0.485, 0.456, 0.406; deviation 0.229, 0.224, 0.225.' },
          { value: 'minus_one_one', title: '-1 to 1' },
          { value: 'none', title: 'None (0 to 1)' },
        ],
      },
    },
  } as const satisfies Fields[string];
}

const AUGMENT = {
  type: 'object',
  title: 'Augmentation',
  help: 'Random changes of the train images, so that the model learns what does not matter.',
  group: 'Augmentation',
  fields: {
    horizontal_flip: {
      type: 'number',
      title: 'Mirror left to right',
      help: 'Probability of a horizontal flip. Set it to 0 where left and right differ in meaning, as in letters and digits.',
      default: 0.5,
      minimum: 0,
      maximum: 1,
      step: 0.1,
    },
    vertical_flip: {
      type: 'number',
      title: 'Mirror top to bottom',
      help: 'Probability of a vertical flip; for images without an up, such as microscopy or aerial views.',
      advanced: true,
      default: 0,
      minimum: 0,
      maximum: 1,
      step: 0.1,
    },
    shift: {
      type: 'integer',
      title: 'Shift',
      help: 'The image is moved by up to this many pixels of the input either way, zeros come in. 0 is off.',
      unit: 'px',
      default: 4,
      minimum: 0,
      maximum: 256,
    },
    rotation: {
      type: 'number',
      title: 'Rotation',
      help: 'The image is turned by up to this angle either way.',
      unit: 'degrees',
      default: 0,
      minimum: 0,
      maximum: 180,
      step: 5,
    },
    random_resized_crop: {
      type: 'object',
      title: 'Random crop and zoom',
      help: 'A random part of the image fills the input (random resized crop).',
      advanced: true,
      fields: {
        enabled: { type: 'boolean', title: 'On', help: 'Cuts a random part out of each train image.', default: false },
        scale: {
          type: 'numbers',
          title: 'Area',
          help: 'Smallest and largest share of the area that is kept.',
          default: [0.5, 1],
          length: 2,
          minimum: 0.01,
          maximum: 1,
          visibleWhen: { enabled: [true] },
        },
        ratio: {
          type: 'numbers',
          title: 'Aspect ratio',
          help: 'Smallest and largest width / height of the part.',
          default: [0.75, 1.3333333],
          length: 2,
          minimum: 0.1,
          maximum: 10,
          visibleWhen: { enabled: [true] },
        },
      },
    },
    color_jitter: {
      type: 'object',
      title: 'Colour changes',
      help: 'Random brightness, contrast, saturation and hue (colour jitter).',
      advanced: true,
      fields: {
        brightness: jitter('Brightness', 'The brightness is multiplied by a factor from 1 - x to 1 + x.', 1),
        contrast: jitter('Contrast', 'The contrast is multiplied by a factor from 1 - x to 1 + x.', 1),
        saturation: jitter('Saturation', 'The saturation is multiplied by a factor from 1 - x to 1 + x.', 1),
        hue: jitter('Hue', 'The hue is turned by up to x turns either way.', 0.5),
      },
    },
  },
} as const satisfies Fields[string];

function jitter(title: string, help: string, maximum: number) {
  return { type: 'number', title, help, default: 0, minimum: 0, maximum, step: 0.05 } as const;
}

const OPTIMIZER = {
  type: 'object',
  title: 'Optimiser',
  help: 'How the weights move.',
  group: 'Optimiser',
  fields: {
    name: {
      type: 'choice',
      title: 'Optimiser',
      help: 'The rule that turns gradients into steps.',
      default: 'adamw',
      options: [
        { value: 'adamw', title: 'AdamW', help: 'Adapts the step of each weight; forgiving about the learning rate.' },
        { value: 'sgd', title: 'SGD', help: 'Momentum SGD; needs a well chosen learning rate.' },
      ],
    },
    learning_rate: {
      type: 'number',
      title: 'Learning rate',
      help: 'Size of a step at its highest. Too high and the loss jumps or becomes NaN, too low and nothing is learnt.',
      default: 0.004,
      minimum: 0,
      exclusiveMinimum: true,
      maximum: 10,
      step: 'log',
    },
    weight_decay: {
      type: 'number',
      title: 'Weight decay',
      help: 'Pulls weights towards zero at each step: decoupled for AdamW, added to the gradient for SGD.',
      advanced: true,
      default: 0.05,
      minimum: 0,
      maximum: 10,
      step: 'log',
    },
    momentum: {
      type: 'number',
      title: 'Momentum',
      help: 'Share of the last step that is kept.',
      advanced: true,
      default: 0.9,
      minimum: 0,
      maximum: 1,
      exclusiveMaximum: true,
      step: 0.01,
      visibleWhen: { name: ['sgd'] },
    },
    nesterov: {
      type: 'boolean',
      title: 'Nesterov momentum',
      help: 'Looks one momentum step ahead.',
      advanced: true,
      default: true,
      visibleWhen: { name: ['sgd'] },
    },
    betas: {
      type: 'numbers',
      title: 'Betas',
      help: 'How slowly the running means of the gradient and of its square forget.',
      advanced: true,
      default: [0.9, 0.999],
      length: 2,
      minimum: 0,
      maximum: 0.999999,
      visibleWhen: { name: ['adamw'] },
    },
    epsilon: {
      type: 'number',
      title: 'Epsilon',
      help: 'Added to the denominator of the step.',
      advanced: true,
      default: 1e-8,
      minimum: 0,
      exclusiveMinimum: true,
      maximum: 1,
      step: 'log',
      visibleWhen: { name: ['adamw'] },
    },
    decay_all: {
      type: 'boolean',
      title: 'Decay norms and biases too',
      help: "PyTorch's plain behaviour; off, only the weights of convolutions and linear layers decay.",
      advanced: true,
      default: false,
    },
    clip_norm: {
      type: 'number',
      title: 'Clip gradients',
      help: 'Longest allowed gradient (global norm); longer ones are shortened. 0 is off.',
      advanced: true,
      default: 0,
      minimum: 0,
      maximum: 1000,
    },
  },
} as const satisfies Fields[string];

const SCHEDULER = {
  type: 'object',
  title: 'Learning-rate schedule',
  help: 'How the learning rate changes over the run.',
  group: 'Optimiser',
  fields: {
    name: {
      type: 'choice',
      title: 'Schedule',
      help: 'The course of the learning rate.',
      default: 'one_cycle',
      options: [
        { value: 'one_cycle', title: 'One cycle', help: 'Rises to the learning rate, then falls to nearly zero.' },
        { value: 'cosine', title: 'Cosine', help: 'Falls along half a cosine.' },
        { value: 'constant', title: 'Constant', help: 'Stays as it is.' },
      ],
    },
    warmup_epochs: {
      type: 'number',
      title: 'Warm-up',
      help: 'The rate rises linearly from a tenth over this many epochs.',
      unit: 'epochs',
      advanced: true,
      default: 0,
      minimum: 0,
      maximum: 1000,
      visibleWhen: { name: ['constant', 'cosine'] },
    },
    minimum_rate: {
      type: 'number',
      title: 'Lowest rate',
      help: 'Where the cosine ends.',
      advanced: true,
      default: 0,
      minimum: 0,
      maximum: 10,
      step: 'log',
      visibleWhen: { name: ['cosine'] },
    },
    pct_start: {
      type: 'number',
      title: 'Rising share',
      help: 'Share of the steps in which the rate rises.',
      advanced: true,
      default: 0.3,
      minimum: 0,
      exclusiveMinimum: true,
      maximum: 1,
      exclusiveMaximum: true,
      step: 0.05,
      visibleWhen: { name: ['one_cycle'] },
    },
    div_factor: {
      type: 'number',
      title: 'Start divisor',
      help: 'The rate starts at the learning rate divided by this.',
      advanced: true,
      default: 25,
      minimum: 1,
      maximum: 1e6,
      visibleWhen: { name: ['one_cycle'] },
    },
    final_div_factor: {
      type: 'number',
      title: 'End divisor',
      help: 'The rate ends at its start divided by this.',
      advanced: true,
      default: 10000,
      minimum: 1,
      maximum: 1e9,
      visibleWhen: { name: ['one_cycle'] },
    },
    cycle_momentum: {
      type: 'boolean',
      title: 'Cycle the momentum',
      help: 'Momentum (AdamW: the first beta) falls from 0.95 to 0.85 while the rate rises, and comes back while it falls.',
      advanced: true,
      default: true,
      visibleWhen: { name: ['one_cycle'] },
    },
  },
} as const satisfies Fields[string];

function validation(task: TaskMeta) {
  const primary = task.metrics.find(({ id }) => id === task.primaryMetric);
  return {
    type: 'object',
    title: 'Validation',
    help: 'How the model is judged while it trains.',
    group: 'Validation and stopping',
    fields: {
      every_epochs: {
        type: 'integer',
        title: 'Validate every',
        help: 'Epochs between two validations; the last epoch is always validated.',
        unit: 'epochs',
        advanced: true,
        default: 1,
        minimum: 1,
        maximum: 1000,
      },
      metric: {
        type: 'choice',
        title: 'Deciding metric',
        help: 'Which value on the validation images makes a checkpoint the best.',
        advanced: true,
        default: '',
        options: [
          { value: '', title: `Automatic (${primary?.title ?? task.primaryMetric})` },
          ...task.metrics.map(({ id, title }) => ({ value: id, title })),
        ],
      },
    },
  } as const satisfies Fields[string];
}

const EARLY_STOPPING = {
  type: 'object',
  title: 'Early stopping',
  help: 'Ends the run when it no longer gets better.',
  group: 'Validation and stopping',
  fields: {
    enabled: {
      type: 'boolean',
      title: 'Stop early',
      help: 'Ends the run when the deciding metric has not improved for a while.',
      default: false,
    },
    patience: {
      type: 'integer',
      title: 'Patience',
      help: 'Validations without improvement after which the run ends.',
      unit: 'validations',
      default: 10,
      minimum: 1,
      maximum: 1000,
      visibleWhen: { enabled: [true] },
    },
    min_delta: {
      type: 'number',
      title: 'Smallest improvement',
      help: 'Changes up to this size do not count as an improvement.',
      advanced: true,
      default: 0,
      minimum: 0,
      maximum: 1000,
      visibleWhen: { enabled: [true] },
    },
  },
} as const satisfies Fields[string];

const CHECKPOINTS = {
  type: 'object',
  title: 'Checkpoints',
  help: 'Which weights are kept.',
  group: 'Validation and stopping',
  fields: {
    keep_best: {
      type: 'boolean',
      title: 'Keep the best',
      help: 'Keeps the weights with the best deciding metric; they are evaluated and exported.',
      advanced: true,
      default: true,
    },
    keep_last: {
      type: 'boolean',
      title: 'Save while training',
      help: 'Saves the newest weights with the state of the optimiser now and then, so that an interrupted run can go on. They are always saved at the end.',
      advanced: true,
      default: true,
    },
  },
} as const satisfies Fields[string];

const ENGINE = {
  type: 'object',
  title: 'Device',
  help: 'What computes.',
  group: 'Device and seed',
  fields: {
    name: {
      type: 'choice',
      title: 'Engine',
      help: 'The program that computes the network.',
      advanced: true,
      default: 'auto',
      options: [
        { value: 'auto', title: 'Automatic' },
        { value: 'tfjs', title: 'TensorFlow.js' },
      ],
    },
    device: {
      type: 'choice',
      title: 'Device',
      help: 'Where it computes. Automatic takes the graphics card where there is a real one.',
      default: 'auto',
      options: [
        { value: 'auto', title: 'Automatic' },
        { value: 'webgpu', title: 'Graphics card (WebGPU)' },
        { value: 'wasm', title: 'Processor (WebAssembly)' },
        { value: 'cpu', title: 'Processor (plain JavaScript, slow)' },
      ],
    },
  },
} as const satisfies Fields[string];

/** Offered as cards above the form; applied on top of the defaults. */
export const JOB_PRESETS: readonly Preset[] = [
  {
    id: 'draft',
    title: 'Fast draft',
    help: 'A first answer in a few epochs: is the data learnable at all?',
    values: { 'training.epochs': 8 },
  },
  {
    id: 'balanced',
    title: 'Balanced',
    help: 'Long enough for a good model, stops by itself when nothing improves.',
    values: { 'training.epochs': 30, 'early_stopping.enabled': true, 'early_stopping.patience': 12 },
  },
  {
    id: 'best',
    title: 'Best quality',
    help: 'Trains long with stronger augmentation; for the model that is kept.',
    values: {
      'training.epochs': 100,
      'augment.rotation': 10,
      'augment.color_jitter.brightness': 0.2,
      'augment.color_jitter.contrast': 0.2,
      'augment.color_jitter.saturation': 0.2,
      'early_stopping.enabled': true,
      'early_stopping.patience': 30,
    },
  },
];
