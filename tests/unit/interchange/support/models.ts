// Trained models for the tests of exports: any graph with random parameters and all that goes with it, and what runs the exports.
import { elements } from '$lib/graph/ops/operation';
import { stream } from '$lib/core/random';
import type { Graph, ParameterValues } from '$lib/graph/types';
import type { TrainedModel } from '$lib/interchange/contract';
import type { ImageShape } from '$lib/interchange/verify/runner';
import { jobFromJson } from '$lib/interchange/bundle/job-json';
import { withAddedIn2 } from '$lib/job/additions';

/** Values as after training: nothing is 0 or 1 that could hide a mistake; variances are positive. */
export function randomParameters(graph: Graph, seed = 1): ParameterValues {
  return new Map(
    graph.parameters.map(({ name, shape, layout }) => {
      const random = stream(seed, name);
      const fan = elements(shape) / (shape.at(-1) ?? 1);
      const scale = layout === 'plain' ? 0.3 : 1 / Math.sqrt(Math.max(1, fan));
      const values = Float32Array.from({ length: elements(shape) }, () => {
        if (name.endsWith('running_var')) return 0.3 + random();
        // Uniform of the same deviation: eleven million normal numbers take seconds.
        return scale * Math.sqrt(3) * (2 * random() - 1) + (/(norm|bn\d?|gamma)\.?.*weight$/.test(name) ? 1 : 0);
      });
      return [name, values];
    }),
  );
}

export function randomImages([count, height, width, channels]: ImageShape, seed = 2): Float32Array {
  const random = stream(seed, 'images');
  return Float32Array.from({ length: count * height * width * channels }, random);
}

export const testJob = jobFromJson(
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
    training: { epochs: 3, batch_size: 32 },
    preprocess: { image_size: 32, resize: 'stretch', interpolation: 'bilinear', normalize: 'dataset' },
    augment: {
      horizontal_flip: 0.5,
      vertical_flip: 0,
      shift: 0,
      rotation: 0,
      random_resized_crop: { enabled: false, scale: [0.5, 1], ratio: [0.75, 1.33] },
      color_jitter: { brightness: 0, contrast: 0, saturation: 0, hue: 0 },
    },
    optimizer: {
      name: 'adamw',
      learning_rate: 0.004,
      weight_decay: 0.05,
      momentum: 0.9,
      nesterov: false,
      betas: [0.9, 0.999],
      epsilon: 1e-8,
      decay_all: false,
      clip_norm: 0,
    },
    scheduler: {
      name: 'one_cycle',
      warmup_epochs: 0,
      minimum_rate: 0,
      pct_start: 0.3,
      div_factor: 25,
      final_div_factor: 10000,
      cycle_momentum: true,
    },
    loss: { name: 'cross_entropy', label_smoothing: 0.05 },
    validation: { every_epochs: 1, metric: '' },
    early_stopping: { enabled: false, patience: 5, min_delta: 0 },
    checkpoints: { keep_best: true, keep_last: true },
    engine: { name: 'auto', device: 'auto' },
    seed: 7,
  }),
  'job',
);

/** A trained model around any graph; `changes` replace what a test is about. */
export function trainedModel(graph: Graph, changes: Partial<TrainedModel> = {}): TrainedModel {
  const [height, width] = graph.nodes[0].shape;
  const output = graph.nodes.find(({ id }) => id === graph.output);
  const classes = Array.from({ length: output?.shape.at(-1) ?? 1 }, (_, index) => `class ${index}`);
  return {
    name: 'test',
    graph,
    parameters: randomParameters(graph),
    classes,
    preprocess: {
      imageSize: [height, width],
      resize: 'stretch',
      interpolation: 'bilinear',
      mean: [0.41, 0.52, 0.63],
      std: [0.21, 0.32, 0.25],
    },
    task: { id: 'classification', activation: { name: 'probabilities', kind: 'softmax' } },
    job: testJob,
    evaluation: null,
    data: { name: 'shapes', images: { train: 70, val: 15, test: 15 } },
    ...changes,
  };
}

/** Largest |a - b| relative to the largest |a|; infinite when anything is not finite or the lengths differ. */
export function relativeDifference(expected: Float32Array, found: Float32Array | undefined): number {
  if (found?.length !== expected.length) return Infinity;
  let largest = 0;
  let difference = 0;
  for (const [index, value] of expected.entries()) {
    const apart = Math.abs(value - found[index]);
    if (!Number.isFinite(apart)) return Infinity;
    largest = Math.max(largest, Math.abs(value));
    difference = Math.max(difference, apart);
  }
  return difference / Math.max(largest, Number.MIN_VALUE);
}
