// job.json, current version: one document that a person can read, edit, save and replay. Keys are its own (snake_case).
// Fields, ranges and help texts are in schema.ts; older documents become this one in migrate.ts.

export const JOB_VERSION = 1;

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
  training: { epochs: number; batch_size: number };
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
    random_resized_crop: { enabled: boolean; scale: readonly [number, number]; ratio: readonly [number, number] };
    /** Factors are drawn from [1 - x, 1 + x]; hue from [-x, x] turns. */
    color_jitter: { brightness: number; contrast: number; saturation: number; hue: number };
  };
  optimizer: {
    name: 'sgd' | 'adamw';
    learning_rate: number;
    weight_decay: number;
    momentum: number;
    nesterov: boolean;
    betas: readonly [number, number];
    epsilon: number;
    /** Weight decay on norms and biases too. */
    decay_all: boolean;
    /** Clip the gradient's global norm; 0 is off. */
    clip_norm: number;
  };
  scheduler: {
    name: 'constant' | 'cosine' | 'one_cycle';
    /** Linear warm-up before constant and cosine. */
    warmup_epochs: number;
    minimum_rate: number;
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
    /** Metric id of the task; '' takes the task's primary one. */
    metric: string;
  };
  early_stopping: { enabled: boolean; patience: number; min_delta: number };
  checkpoints: { keep_best: boolean; keep_last: boolean };
  engine: { name: 'auto' | 'tfjs'; device: 'auto' | 'webgpu' | 'wasm' | 'cpu' };
  seed: number;
}
