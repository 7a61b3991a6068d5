// Records of runs for the tests of storage: complete, small, and of no real training.

import { jobFromJson } from '$lib/interchange/bundle/job-json';
import { withAddedIn2 } from '$lib/job/additions';
import type { CheckpointRecord, EvaluationRecord, RunRecord } from '$lib/storage/records';
import type { ImageResults } from '$lib/tasks/contract';

const job = jobFromJson(
  withAddedIn2({
    task: 'classification',
    model: { name: 'tiny-cnn', config: {}, weights: null },
    head: { kind: 'linear', hidden: 256, dropout: 0.3, scale: 16 },
    fine_tune: {
      train: 'all',
      stages: 1,
      unfreeze_every: 0,
      stage_rate: 1,
      freeze_norms: false,
      cache: true,
      cached_augmentations: 0,
    },
    contrastive: { epochs: 0, projection: 128, temperature: 0.1 },
    data: {
      path: null,
      train_dir: null,
      val_dir: null,
      test_dir: null,
      split: { source: 'auto', val: 0.15, test: 0.15, stratified: true },
    },
    training: { epochs: 1, batch_size: 8 },
    preprocess: { image_size: 32, resize: 'stretch', interpolation: 'bilinear', normalize: 'dataset' },
    augment: {
      horizontal_flip: 0,
      vertical_flip: 0,
      shift: 0,
      rotation: 0,
      random_resized_crop: { enabled: false, scale: [0.5, 1], ratio: [0.75, 1.33] },
      color_jitter: { brightness: 0, contrast: 0, saturation: 0, hue: 0 },
    },
    optimizer: {
      name: 'sgd',
      learning_rate: 0.1,
      weight_decay: 0,
      momentum: 0.9,
      nesterov: false,
      betas: [0.9, 0.999],
      epsilon: 1e-8,
      decay_all: false,
      clip_norm: 0,
    },
    scheduler: {
      name: 'constant',
      warmup_epochs: 0,
      minimum_rate: 0,
      pct_start: 0.3,
      div_factor: 25,
      final_div_factor: 1e4,
      cycle_momentum: true,
    },
    loss: { name: 'cross_entropy' },
    validation: { every_epochs: 1, metric: '' },
    early_stopping: { enabled: false, patience: 5, min_delta: 0 },
    checkpoints: { keep_best: true, keep_last: true },
    engine: { name: 'auto', device: 'auto' },
    seed: 0,
  }),
  'job',
);

export function runOf(projectId: string, versionId: string): RunRecord {
  return {
    id: crypto.randomUUID(),
    projectId,
    versionId,
    name: 'run',
    job,
    classes: ['a', 'b'],
    status: 'running',
    createdAt: Date.now(),
    startedAt: Date.now(),
    endedAt: null,
    device: null,
    epochsDone: 0,
    stepsDone: 0,
    best: null,
    error: null,
    preprocess: { imageSize: [32, 32], resize: 'stretch', interpolation: 'bilinear', mean: [0, 0, 0], std: [1, 1, 1] },
  };
}

/** Six floats, each the epoch: 24 bytes. */
export function checkpointOf(runId: string, kind: 'best' | 'last', epoch: number): CheckpointRecord {
  return {
    id: crypto.randomUUID(),
    runId,
    kind,
    slot: kind,
    epoch,
    createdAt: Date.now(),
    metrics: { val_accuracy: 0.5 },
    position: { epoch, stepInEpoch: 0 },
    state: {
      step: epoch * 10,
      parameters: new Map([['weight', new Float32Array(3).fill(epoch)]]),
      optimizer: new Map([['momentum', new Float32Array(3).fill(epoch)]]),
    },
  };
}

export function evaluationOf(runId: string): EvaluationRecord {
  return {
    id: crypto.randomUUID(),
    runId,
    checkpoint: 'best',
    epoch: 1,
    versionId: 'v',
    split: 'test',
    createdAt: Date.now(),
    result: {
      count: 1,
      metrics: { accuracy: 1 },
      classes: ['a', 'b'],
      per_class: [],
      baseline: { name: 'Majority class', class: 'a', metrics: { accuracy: 0.5 } },
    },
  };
}

export function resultsOf(paths: readonly string[]): ImageResults {
  return {
    paths,
    trueClass: new Int32Array(paths.length),
    predictedClass: new Int32Array(paths.length),
    confidence: new Float32Array(paths.length).fill(0.5),
    loss: new Float32Array(paths.length).fill(0.25),
    probabilities: new Float32Array(paths.length * 2).fill(0.5),
  };
}
