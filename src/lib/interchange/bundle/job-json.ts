// The job of a bundle from JSON. It was complete and checked when it was written, so that only its form is looked at here.

import type { Job } from '$lib/job/job';
import {
  anything,
  boolean,
  dictionary,
  integer,
  nullable,
  number,
  object,
  oneOf,
  otherwise,
  pair,
  text,
} from '../decode';
import type { Decoder } from '../decode';

const loss: Decoder<Job['loss']> = (value, path) => ({
  ...dictionary(anything)(value, path),
  ...object<{ name: string }>({ name: text })(value, path),
});

export const jobFromJson: Decoder<Job> = object<Job>({
  version: oneOf(1),
  task: text,
  model: object<Job['model']>({ name: text, config: dictionary(anything), weights: otherwise(nullable(text), null) }),
  // Bundles from before there were weights to start from lack these; what they say is how such a job ran.
  head: otherwise(
    object<Job['head']>({ kind: oneOf('linear', 'mlp', 'cosine'), hidden: integer(1), dropout: number, scale: number }),
    { kind: 'linear', hidden: 256, dropout: 0.3, scale: 16 },
  ),
  fine_tune: otherwise(
    object<Job['fine_tune']>({
      train: oneOf('all', 'stages', 'head'),
      stages: integer(1),
      unfreeze_every: integer(0),
      stage_rate: number,
      freeze_norms: boolean,
      cache: boolean,
      cached_augmentations: integer(0),
    }),
    {
      train: 'all',
      stages: 1,
      unfreeze_every: 0,
      stage_rate: 1,
      freeze_norms: false,
      cache: true,
      cached_augmentations: 0,
    },
  ),
  contrastive: otherwise(
    object<Job['contrastive']>({ epochs: integer(0), projection: integer(1), temperature: number }),
    { epochs: 0, projection: 128, temperature: 0.1 },
  ),
  data: object<Job['data']>({
    path: nullable(text),
    train_dir: nullable(text),
    val_dir: nullable(text),
    test_dir: nullable(text),
    split: object<Job['data']['split']>({
      source: oneOf('auto', 'folders', 'fractions'),
      val: number,
      test: number,
      stratified: boolean,
    }),
  }),
  training: object<Job['training']>({ epochs: integer(1), batch_size: integer(1) }),
  preprocess: object<Job['preprocess']>({
    image_size: integer(1),
    resize: oneOf('stretch', 'crop', 'letterbox'),
    interpolation: oneOf('bilinear', 'bicubic', 'nearest'),
    normalize: oneOf('weights', 'imagenet', 'dataset', 'minus_one_one', 'none'),
  }),
  augment: object<Job['augment']>({
    horizontal_flip: number,
    vertical_flip: number,
    shift: number,
    rotation: number,
    random_resized_crop: object<Job['augment']['random_resized_crop']>({
      enabled: boolean,
      scale: pair(number),
      ratio: pair(number),
    }),
    color_jitter: object<Job['augment']['color_jitter']>({
      brightness: number,
      contrast: number,
      saturation: number,
      hue: number,
    }),
  }),
  optimizer: object<Job['optimizer']>({
    name: oneOf('sgd', 'adamw'),
    learning_rate: number,
    weight_decay: number,
    momentum: number,
    nesterov: boolean,
    betas: pair(number),
    epsilon: number,
    decay_all: boolean,
    clip_norm: number,
  }),
  scheduler: object<Job['scheduler']>({
    name: oneOf('constant', 'cosine', 'one_cycle'),
    warmup_epochs: number,
    minimum_rate: number,
    pct_start: number,
    div_factor: number,
    final_div_factor: number,
    cycle_momentum: boolean,
  }),
  loss,
  validation: object<Job['validation']>({ every_epochs: integer(1), metric: text }),
  early_stopping: object<Job['early_stopping']>({ enabled: boolean, patience: number, min_delta: number }),
  checkpoints: object<Job['checkpoints']>({ keep_best: boolean, keep_last: boolean }),
  engine: object<Job['engine']>({ name: oneOf('auto', 'tfjs'), device: oneOf('auto', 'webgpu', 'wasm', 'cpu') }),
  seed: integer(0),
});
