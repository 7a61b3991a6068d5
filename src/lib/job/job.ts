// job.json, current version: one document that a person can read, edit, save and replay. Keys are its own (snake_case).
// Fields, ranges and help texts are in schema.ts; older documents become this one in migrate.ts.

export const JOB_VERSION = 2;

export interface Job {
  version: typeof JOB_VERSION;
  /** Id of a registered task. */
  task: string;
  model: {
    /** Id of a registered model. */
    name: string;
    /** The plugin's own fields. */
    config: Readonly<Record<string, unknown>>;
    /**
     * Where the weights start: null draws them. A name on the hub ('timm/resnet18.a1_in1k'), an address (https://...), a stored file
     * ('sha256:...') or, on the command line, a path.
     */
    weights: string | null;
  };
  /** The classifier behind the features. 'linear' is the model's own. */
  head: {
    kind: 'linear' | 'mlp' | 'cosine';
    /** mlp: units of the hidden layer. */
    hidden: number;
    /** mlp: between its layers. */
    dropout: number;
    /** cosine: factor of the cosines, 1 / temperature. */
    scale: number;
  };
  fine_tune: {
    /** 'head': the classifier alone; 'stages': the last ones too. */
    train: 'all' | 'stages' | 'head';
    /** stages: how many of the backbone's last stages train. */
    stages: number;
    /** Epochs after which one more stage is let go, from the last to the first; 0 is off. */
    unfreeze_every: number;
    /** Learning rate of the backbone's last stage as a share of the head's; each stage before it has this share of the next one's. */
    stage_rate: number;
    /** Batch norms of trained stages keep their statistics, too. */
    freeze_norms: boolean;
    /** Frozen backbone: compute the features once. */
    cache: boolean;
    /** Cached augmentations of each train image; 0 caches the plain image alone. */
    cached_augmentations: number;
  };
  /** Metric learning: supervised contrastive training of a projection before the classifier (Khosla et al. 2020). */
  contrastive: {
    /** 0 is off. */
    epochs: number;
    /** Units of the projection. */
    projection: number;
    temperature: number;
  };
  data: {
    /** A folder or a zip on the command line; null in the page, where the project's data set is used. */
    path: string | null;
    /** Instead of path: one folder per split. */
    train_dir: string | null;
    val_dir: string | null;
    test_dir: string | null;
    split: { source: 'auto' | 'folders' | 'fractions'; val: number; test: number; stratified: boolean };
  };
  training: {
    epochs: number;
    /** Images per update of the weights, however many parts it is computed in. */
    batch_size: number;
    /** Gradient accumulation: a batch is computed in this many parts, whose gradients are added. 1 is off. */
    accumulate: number;
    /** 'balanced' draws images so that each class is as frequent, 'square_root' half-way, both with replacement. */
    sampling: 'shuffle' | 'balanced' | 'square_root';
  };
  /** Exponential moving average of the weights, which is what is validated, kept as the best and exported. */
  ema: {
    /** 0 is off. */
    decay: number;
    /** Early on the decay is (1 + step) / (10 + step), so that the random start is soon forgotten. */
    warmup: boolean;
  };
  /** Of two images of a batch. Beta distribution's alpha; 0 is off. With both, each batch takes one of them by chance. */
  mix: {
    mixup: number;
    cutmix: number;
    /** Share of the batches that are mixed. */
    probability: number;
  };
  /** Learns from another run's answers beside the labels (Hinton et al. 2015). */
  distillation: {
    /** The teacher: 'run:<id>' or, on the command line, a path to a bundle; null is off. */
    teacher: string | null;
    temperature: number;
    /** Share of the teacher's part of the loss. */
    weight: number;
  };
  preprocess: {
    /** Height and width; square. */
    image_size: number;
    resize: 'stretch' | 'crop' | 'letterbox';
    interpolation: 'bilinear' | 'bicubic' | 'nearest';
    /** 'weights': as the weights were trained. */
    normalize: 'weights' | 'imagenet' | 'dataset' | 'minus_one_one' | 'none';
  };
  augment: {
    /** Probabilities. */
    horizontal_flip: number;
    vertical_flip: number;
    /** Pixels of zero padding before a random crop of the original size; 0 is off. */
    shift: number;
    /** Degrees either way. */
    rotation: number;
    /** Share of the side by which the image is moved at most, either way. */
    translate: number;
    /** Zoom factor, drawn from this range on a logarithmic scale; [1, 1] is off. */
    scale: readonly [number, number];
    /** Degrees either way, each axis. */
    shear: number;
    /** Corners move by up to this share of half the side; 0 is off. */
    perspective: number;
    /** Colour of what comes in from outside. */
    fill: 'black' | 'grey' | 'edge';
    random_resized_crop: { enabled: boolean; scale: readonly [number, number]; ratio: readonly [number, number] };
    /** Factors are drawn from [1 - x, 1 + x]; hue from [-x, x] turns. */
    color_jitter: { brightness: number; contrast: number; saturation: number; hue: number };
    /** Probability. */
    grayscale: number;
    /** Gaussian; sigma in pixels of the input at 224 px, scaled with its size. */
    blur: { probability: number; sigma: readonly [number, number] };
    /** Factor of the sharpness, 1 leaves it. */
    sharpen: { probability: number; amount: number };
    /** Standard deviation in 0..1. */
    noise: { probability: number; deviation: number };
    /** Compression artefacts; quality 1..100. */
    jpeg: { probability: number; quality: readonly [number, number] };
    /** One square of this share of the side is blanked (DeVries and Taylor 2017). */
    cutout: { probability: number; size: number };
    /** Random erasing (Zhong et al. 2020); area and aspect ratio of the rectangle. */
    erasing: {
      probability: number;
      area: readonly [number, number];
      ratio: readonly [number, number];
      fill: 'black' | 'noise';
    };
    /** A published policy, applied after the changes above that move pixels and before those that blank some. */
    policy: {
      name:
        'none' | 'randaugment' | 'trivialaugment' | 'autoaugment_imagenet' | 'autoaugment_cifar10' | 'autoaugment_svhn';
      /** randaugment: operations in a row. */
      operations: number;
      /** randaugment: 0..30. */
      magnitude: number;
    };
  };
  optimizer: {
    name: 'sgd' | 'adam' | 'adamw' | 'rmsprop';
    learning_rate: number;
    weight_decay: number;
    momentum: number;
    nesterov: boolean;
    betas: readonly [number, number];
    /** adam, adamw: the largest second moment so far divides. */
    amsgrad: boolean;
    /** rmsprop: how slowly the mean of the squares forgets. */
    alpha: number;
    epsilon: number;
    /** Weight decay on norms and biases too. */
    decay_all: boolean;
    /** Clip the gradient's global norm; 0 is off. */
    clip_norm: number;
    /** Clip each value of the gradient; 0 is off. Before clip_norm. */
    clip_value: number;
    /** Factors of the learning rate by the beginning of parameter names: 'layer1.=0.1, fc.=10'; the longest beginning counts. */
    layer_rates: string;
  };
  scheduler: {
    name:
      | 'constant'
      | 'step'
      | 'multi_step'
      | 'exponential'
      | 'cosine'
      | 'cosine_restarts'
      | 'one_cycle'
      | 'plateau'
      | 'polynomial';
    /** Whether the rate changes with each step or, as PyTorch's schedulers do, with each epoch. one_cycle: always steps. plateau: validations. */
    interval: 'step' | 'epoch';
    /** Linear warm-up before any of them; they then count from its end. */
    warmup_epochs: number;
    /** Share of the rate at which warm-up starts. */
    warmup_start: number;
    /** No schedule falls below; cosine, polynomial: where it ends. */
    minimum_rate: number;
    /** step: epochs between two falls. */
    step_epochs: number;
    /** multi_step: epochs at which it falls. */
    milestones: readonly number[];
    /** step, multi_step: factor of each fall; exponential: of each epoch. */
    gamma: number;
    /** cosine_restarts: epochs of the first cycle, and the factor by which each next one is longer (T_0, T_mult). */
    restart_epochs: number;
    restart_factor: number;
    /** polynomial. */
    power: number;
    /** plateau: validations without improvement before the rate is multiplied by `factor`. */
    patience: number;
    factor: number;
    /** plateau: relative change that counts as an improvement. */
    threshold: number;
    /** plateau: validations after a fall that do not count. */
    cooldown: number;
    /** one_cycle: share of the steps that rise. PyTorch's pct_start, div_factor, final_div_factor. */
    pct_start: number;
    div_factor: number;
    final_div_factor: number;
    /** one_cycle: momentum (AdamW: the first beta) goes the other way, as PyTorch's does. */
    cycle_momentum: boolean;
  };
  /** `name` and the task's own loss fields. */
  loss: Readonly<Record<string, unknown>> & { name: string };
  validation: {
    every_epochs: number;
    /** Also every so many steps within an epoch; 0 is off. */
    every_steps: number;
    /** k-fold: train and validation images together are divided into this many parts; 0 keeps the data set's own split. */
    folds: number;
    /** k-fold: which part is held out for validation, from 0. */
    fold: number;
    /** Metric id of the task; '' takes the task's primary one. */
    metric: string;
  };
  early_stopping: { enabled: boolean; patience: number; min_delta: number };
  checkpoints: {
    keep_best: boolean;
    keep_last: boolean;
    /** Keeps one of every so many epochs; 0 is off. */
    every_epochs: number;
    /** Keeps this many of the best ones; 0 is off. */
    top_k: number;
    /** Saves 'last' at least every so many seconds of work, as long as that takes under 3% of the time. */
    autosave_seconds: number;
  };
  monitoring: {
    /** Norms of weights, gradients and updates of each layer, every so many steps; 0 is off. */
    norms_every: number;
  };
  engine: {
    name: 'auto' | 'tfjs';
    device: 'auto' | 'webgpu' | 'wasm' | 'cpu';
    /** Compares what the run needs with what the device grants, and accumulates where a batch does not fit. */
    memory_check: boolean;
  };
  seed: number;
}
