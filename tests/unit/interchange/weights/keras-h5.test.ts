// Keras's HDF5 files: values as the HDF5 library wrote them, names in one form, saved models as graphs, damaged copies refused.
import { existsSync, readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { TrainyardError } from '$lib/core/errors';
import type { WeightsFile } from '$lib/interchange/weights/contract';
import { openKerasH5 } from '$lib/interchange/weights/keras-h5';
import { nodeEngine } from '../support/engine';
import { mutations } from '../support/mutate';
import { numbers, writeH5 } from './h5-files';
import type { H5Layer, H5Options } from './h5-files';
import { images, outputOf, saved } from './keras-models';

const LAYERS: readonly H5Layer[] = [
  { name: 'input_1', weights: [] },
  {
    name: 'conv1',
    weights: [
      { name: 'conv1/kernel:0', shape: [3, 3, 3, 8] },
      { name: 'conv1/bias:0', shape: [8] },
    ],
  },
  {
    name: 'stage/bn',
    weights: ['gamma', 'beta', 'moving_mean', 'moving_variance'].map((role) => ({
      name: `stage/bn/${role}:0`,
      shape: [8],
    })),
  },
  { name: 'dense', weights: [{ name: 'dense/kernel:0', shape: [8, 5] }] },
];

const open = async (layers: readonly H5Layer[], options: H5Options = {}): Promise<WeightsFile> =>
  openKerasH5(new Blob([await writeH5(layers, options)]), 'weights.h5');

/** The bytes with a pattern replaced everywhere. */
function replaced(
  bytes: Uint8Array<ArrayBuffer>,
  from: readonly number[],
  to: readonly number[],
): Uint8Array<ArrayBuffer> {
  const result = bytes.slice();
  for (let at = 0; at < bytes.length; at++) if (from.every((byte, i) => bytes[at + i] === byte)) result.set(to, at);
  return result;
}

/** An IEEE float32's datatype message, and what its second byte is when its bytes stand the other way round. */
const FLOAT32 = [0x11, 0x20, 0x1f, 0x00, 4, 0, 0, 0];
const SWAPPED = [0x11, 0x21];

describe('values and names are what Keras means', () => {
  test('double precision is rounded, integers are numbers', async () => {
    const layers = [{ name: 'a', weights: [{ name: 'a/kernel:0', shape: [2, 3] }] }];
    const doubles = await open(layers, { dtype: '<d' });
    expect(doubles.tensors[0].dtype).toBe('float64');
    expect(await doubles.tensors[0].read()).toEqual(numbers('a/a/kernel:0', [2, 3]));
    const whole = (values: Float32Array): Float32Array => values.map((value) => Math.trunc(100 * value) + 0);
    const integers = await open(layers, { dtype: '<i', values: whole });
    expect(integers.tensors[0].dtype).toBe('int32');
    expect(await integers.tensors[0].read()).toEqual(whole(numbers('a/a/kernel:0', [2, 3])));
  });

  test('big-endian numbers are turned around', async () => {
    const bytes = replaced(await writeH5(LAYERS), FLOAT32, SWAPPED);
    const file = await openKerasH5(new Blob([bytes]), 'weights.h5');
    const view = new DataView(numbers('conv1/conv1/bias:0', [8]).buffer);
    const expected = Float32Array.from({ length: 8 }, (_, at) => view.getFloat32(4 * at, false));
    expect(await file.tensors[1].read()).toEqual(expected);
  });

  test('weights of a model inside a model keep their own names', async () => {
    const inner = ['a/kernel:0', 'b/kernel:0'].map((name) => ({ name, shape: [1, 1, 2, 2] }));
    const file = await open([
      { name: 'model_1', weights: inner },
      { name: 'model_2', weights: inner },
    ]);
    expect(file.tensors.map(({ name }) => name)).toEqual([
      'a/kernel',
      'b/kernel',
      'model_2/a/kernel',
      'model_2/b/kernel',
    ]);
  });

  test('names of the first versions of Keras are told by shape', async () => {
    const weights = (...shapes: number[][]): H5Layer['weights'] =>
      shapes.map((shape, at) => ({ name: `param_${at}`, shape }));
    const file = await open([
      { name: 'conv', weights: weights([3, 3, 3, 4], [4]) },
      { name: 'norm', weights: weights([4], [4], [4], [4]) },
      { name: 'odd', weights: weights([4], [5]) },
    ]);
    expect(file.tensors.map(({ name }) => name)).toEqual([
      ...['conv/kernel', 'conv/bias'],
      ...['norm/gamma', 'norm/beta', 'norm/moving_mean', 'norm/moving_variance'],
      ...['odd/param_0', 'odd/param_1'],
    ]);
  });

  test('the newer .weights.h5, which lists no layers, gives every tensor by its path', async () => {
    const bytes = await writeH5([{ name: 'layers/conv2d', weights: [{ name: 'vars/0', shape: [3, 3, 3, 4] }] }], { listed: false }); // prettier-ignore
    const file = await openKerasH5(new Blob([bytes]), 'model.weights.h5');
    expect(file.tensors).toMatchObject([{ name: 'layers/conv2d/vars/0', shape: [3, 3, 3, 4] }]);
  });
  test.each([
    ['a file of the old kind', {}],
    ['a file of the new kind', { libver: 'latest' }],
    ['packed chunks', { packed: 6 }],
    ['a list of layers in parts', { split: 2 }],
  ] as const)('%s', async (_, options) => {
    const file = await open(LAYERS, options);
    expect(file).toMatchObject({ format: 'keras-h5', convention: 'keras', classes: null, preprocess: null });
    const expected = LAYERS.flatMap(({ name, weights }) => weights.map((weight) => ({ layer: name, ...weight })));
    expect(file.tensors.map(({ name }) => name)).toEqual(expected.map(({ name }) => name.replace(':0', '')));
    for (const [index, { layer, name, shape }] of expected.entries()) {
      expect(file.tensors[index]).toMatchObject({ shape, dtype: 'float32' });
      expect(await file.tensors[index].read()).toEqual(numbers(`${layer}/${name}`, shape));
    }
    expect(await file.architecture()).toEqual({ kind: 'none' });
  });
});

const SQUEEZENET = new URL(
  '../../../../../shared/data/weights/keras_squeezenet11_notop_h5/squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5',
  import.meta.url,
);
const withReal = existsSync(SQUEEZENET) ? test : test.skip;
if (!existsSync(SQUEEZENET))
  console.warn('Skipped: no SqueezeNet, since there is no folder "shared" beside the repository.');

withReal('weights that were named by the backend get the names of their layers', async () => {
  const file = await openKerasH5(new Blob([new Uint8Array(readFileSync(SQUEEZENET))]), 'squeezenet.h5');
  expect(file.tensors.slice(0, 4).map(({ name, shape }) => [name, shape])).toEqual([
    ['conv1/kernel', [3, 3, 3, 64]],
    ['conv1/bias', [64]],
    ['fire2/squeeze1x1/kernel', [1, 1, 64, 16]],
    ['fire2/squeeze1x1/bias', [16]],
  ]);
  expect(file.tensors).toHaveLength(50);
  const total = file.tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  expect(total).toBe(722_496);
  const kernel = await file.tensors[0].read();
  expect(Math.max(...kernel.map(Math.abs))).toBeGreaterThan(0.1);
});

test('a saved model becomes a graph that computes what TensorFlow.js does', async () => {
  const engine = await nodeEngine('cpu');
  const { layers } = tf;
  const inner = tf.sequential({
    name: 'inner',
    layers: [
      layers.conv2d({ filters: 6, kernelSize: 3, strides: 2, padding: 'same', inputShape: [9, 8, 3], name: 'Conv1' }),
      layers.batchNormalization({ name: 'bn' }),
      layers.reLU({ maxValue: 6 }),
    ],
  });
  const model = tf.sequential({
    layers: [inner, layers.globalAveragePooling2d({ name: 'pool' }), layers.dense({ units: 4, name: 'classes' })],
  });
  const { topology } = await saved(model);
  const weightsOf = (...names: string[]): H5Layer['weights'] =>
    model.weights
      .filter(({ name }) => names.includes(name.split('/')[0]))
      .map(({ name, shape }) => ({ name: `${name}:0`, shape: shape.map(Number) }));
  const stored = [
    { name: 'inner', weights: weightsOf('Conv1', 'bn') },
    { name: 'pool', weights: [] },
    { name: 'classes', weights: weightsOf('classes') },
  ];
  const group = (name: string): string => (name.startsWith('classes') ? 'classes' : 'inner');
  model.setWeights(
    model.weights.map(({ name, shape }) => {
      const values = numbers(`${group(name)}/${name}:0`, shape.map(Number)); // prettier-ignore
      return tf.tensor(positive(values, name), shape.map(Number)); // prettier-ignore
    }),
  );
  const file = await open(stored, { modelConfig: JSON.stringify(topology), values: positive });
  const result = await file.architecture();
  if (result.kind !== 'graph') throw new Error(JSON.stringify(result));
  const { graph, parameters } = result.architecture;
  expect(graph.features).toBe('pool');
  const predictor = engine.predictor(graph, parameters);
  const input = images([9, 8, 3]);
  const targets = { values: new Float32Array(0), shape: [0] };
  const { output } = await predictor.predict({ images: input, shape: [2, 9, 8, 3], targets });
  predictor.dispose();
  const expected = await outputOf(model, input, [2, 9, 8, 3]);
  // Logits of about 1: float32 rounding of sums of 27 terms.
  output.forEach((value, at) => expect(value).toBeCloseTo(expected[at], 5));
});

/** Variances must not be negative. */
function positive(values: Float32Array, name: string): Float32Array {
  return name.includes('variance') ? values.map((value) => 1 + value / 2) : values;
}

describe('what cannot be read is refused in one sentence', () => {
  const refused = (found: RegExp): unknown =>
    expect.objectContaining({ code: 'weights-unreadable', message: expect.stringMatching(found) as unknown });

  test.each([
    ['a truncated file', 0.6, /damaged/],
    ['nearly nothing', 0.001, /damaged/],
  ] as const)('%s', async (_, part, found) => {
    const bytes = await writeH5(LAYERS);
    const cut = new Blob([bytes.slice(0, Math.max(12, Math.floor(bytes.length * part)))]);
    await expect(openKerasH5(cut, 'weights.h5')).rejects.toEqual(refused(found));
  });

  test('no tensors', async () => {
    await expect(open([{ name: 'input_1', weights: [] }])).rejects.toEqual(refused(/no tensors/));
  });

  test('a tensor larger than the file', async () => {
    const bytes = await writeH5([{ name: 'a', weights: [{ name: 'a/kernel:0', shape: [64, 77] }] }]);
    const rows = replaced(bytes, [77, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0, 0, 0]);
    await expect(openKerasH5(new Blob([rows]), 'weights.h5')).rejects.toEqual(refused(/damaged/));
  });
});

/** Seeded copies; many more with TRAINYARD_MUTATIONS=60000. */
const COPIES = Number(process.env.TRAINYARD_MUTATIONS ?? 2000);
/** What takes longer is a hang. */
const LIMIT_MS = 1000;

/** Of this process, so that others on the machine do not count. */
function milliseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

test.each([
  [COPIES, 'of the old kind', {}],
  [COPIES / 4, 'of the new kind', { libver: 'latest' }],
  [COPIES / 4, 'with packed chunks', { packed: 6 }],
] as const)(`%i damaged copies of a file %s give clear errors or tensors, none of them late`, async (copies, _, options) => {
  const bytes = await writeH5(LAYERS, options);
  const seen = { refused: 0, opened: 0 };
  let slowest = 0;
  // Structures are all over the file.
  for (const copy of mutations(bytes, copies, bytes.length)) {
    const start = milliseconds();
    try {
      const file = await openKerasH5(new Blob([copy]), 'weights.h5');
      for (const { read } of file.tensors) await read();
      await file.architecture();
      seen.opened++;
    } catch (error) {
      if (!(error instanceof TrainyardError) || error.code !== 'weights-unreadable') throw error;
      seen.refused++;
    }
    slowest = Math.max(slowest, milliseconds() - start);
  }
  expect(slowest).toBeLessThan(LIMIT_MS);
  expect(seen.refused).toBeGreaterThan(copies / 4);
  expect(seen.opened).toBeGreaterThan(0);
}, 60_000 + COPIES * 20); // prettier-ignore
