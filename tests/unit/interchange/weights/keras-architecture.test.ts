// Layers models as graphs: what our engine computes with the imported graph equals what TensorFlow.js computes with the file.
import { existsSync, readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import * as onnxRuntime from 'onnxruntime-node';
import { beforeAll, describe, expect, test } from 'vitest';
import type { TfjsEngine } from '$lib/engines/tfjs/engine';
import { replaceHead, splitAtFeatures } from '$lib/graph/heads';
import type { Graph, OpName } from '$lib/graph/types';
import { graphFromJson } from '$lib/interchange/bundle/graph-json';
import { writeOnnx } from '$lib/interchange/onnx/write';
import { readParameters, writeSafetensors } from '$lib/interchange/safetensors/parameters';
import { writeTfjs } from '$lib/interchange/tfjs/write';
import { onnxRunner } from '$lib/interchange/verify/onnx-runtime';
import { tfjsRunner } from '$lib/interchange/verify/tfjs-runner';
import type { ArchitectureResult, ImportedArchitecture, WeightsSource } from '$lib/interchange/weights/contract';
import { LAYERS } from '$lib/interchange/weights/keras/layers';
import { architectureOf, importKeras } from '$lib/interchange/weights/keras/network';
import { openTfjsLayers } from '$lib/interchange/weights/tfjs-layers';
import { nodeEngine } from '../support/engine';
import { trainedModel } from '../support/models';
import { drawWeights, filesOf, images, outputOf, saved } from './keras-models';

let engine: TfjsEngine;

beforeAll(async () => {
  engine = await nodeEngine('cpu');
});

const TEACHABLE = new URL(
  '../../../../../shared/data/weights/tfjs_mobilenet_v2_0.35_teachablemachine/',
  import.meta.url,
);
const MOBILENET = new URL('../../../../../shared/data/weights/tfjs_mobilenet_v1_0.25_224/', import.meta.url);

function realFiles(folder: URL, names: readonly string[]): WeightsSource[] {
  return names.map((path) => ({ path, blob: new Blob([new Uint8Array(readFileSync(new URL(path, folder)))]) }));
}

function graphOf(result: ArchitectureResult): ImportedArchitecture {
  if (result.kind !== 'graph') throw new Error(`${result.kind}: ${'reason' in result ? result.reason : ''}`);
  return result.architecture;
}

async function run(
  { graph, parameters }: ImportedArchitecture,
  values: Float32Array,
  count: number,
): Promise<Float32Array> {
  const [height, width, channels] = graph.nodes[0].shape;
  const predictor = engine.predictor(graph, parameters);
  const targets = { values: new Float32Array(0), shape: [0] };
  try {
    return (await predictor.predict({ images: values, shape: [count, height, width, channels], targets })).output;
  } finally {
    predictor.dispose();
  }
}

/** Float32 sums in another order differ by 1e-7 of the largest value a layer; the mistakes this is for begin at 1e-3. */
const TOLERANCE = 1e-5;

function difference(found: Float32Array, wanted: Float32Array): number {
  expect(found.length).toBe(wanted.length);
  const largest = wanted.reduce((top, value) => Math.max(top, Math.abs(value)), 1e-6);
  return found.reduce((worst, value, at) => Math.max(worst, Math.abs(value - wanted[at]) / largest), 0);
}

function softmax(logits: Float32Array, classes: number): Float32Array {
  return Float32Array.from({ length: logits.length }, (_, at) => {
    const row = logits.subarray(at - (at % classes), at - (at % classes) + classes);
    const top = Math.max(...row);
    return Math.exp(logits[at] - top) / row.reduce((sum, value) => sum + Math.exp(value - top), 0);
  });
}

function opsBehindFeatures(graph: Graph): OpName[] {
  return splitAtFeatures(graph).head.nodes.map(({ op }) => op);
}

/** The graph of a model made with tf.layers, held to it; the last layer's softmax is put back where there was one. */
async function expectSame(model: tf.LayersModel, { probabilities = false } = {}): Promise<ImportedArchitecture> {
  drawWeights(model);
  const file = await openTfjsLayers(filesOf(await saved(model)), 'model');
  const architecture = graphOf(await file.architecture());
  const { graph } = architecture;
  expect(graphFromJson(JSON.parse(JSON.stringify(graph)), 'graph')).toEqual(graph);
  const shape = graph.nodes[0].shape;
  const values = images(shape);
  const expected = await outputOf(model, values, [2, ...shape]);
  const found = await run(architecture, values, 2);
  expect(difference(probabilities ? softmax(found, found.length / 2) : found, expected)).toBeLessThan(TOLERANCE);
  return architecture;
}

const { layers } = tf;

function chain(shape: number[], ...list: tf.layers.Layer[]): tf.LayersModel {
  const input = tf.input({ shape });
  let x: tf.SymbolicTensor = input;
  for (const layer of list) x = layer.apply(x) as tf.SymbolicTensor; // A single output, which the type does not say.
  return tf.model({ inputs: input, outputs: x });
}

const SIZE = [9, 12, 3];
const conv = (filters = 4): tf.layers.Layer => layers.conv2d({ filters, kernelSize: 1 });

/** Every layer of the table that TensorFlow.js has; each ends in a small dense layer where it can. */
const CASES: Record<string, readonly (() => tf.layers.Layer[])[]> = {
  Conv2D: [
    () => [layers.conv2d({ filters: 5, kernelSize: 3 })],
    () => [layers.conv2d({ filters: 5, kernelSize: [3, 2], strides: [2, 1], padding: 'same', useBias: false })],
    () => [layers.conv2d({ filters: 4, kernelSize: 3, dilationRate: 2, padding: 'same', activation: 'relu' })],
    () => [layers.conv2d({ filters: 4, kernelSize: 5, strides: 3, padding: 'same', activation: 'tanh' })],
  ],
  DepthwiseConv2D: [
    () => [layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, strides: 2, padding: 'same' })],
    () => [layers.depthwiseConv2d({ kernelSize: 3, useBias: false, activation: 'relu6' })],
  ],
  SeparableConv2D: [
    () => [layers.separableConv2d({ filters: 6, kernelSize: 3, strides: 2, padding: 'same' })],
    () => [layers.separableConv2d({ filters: 6, kernelSize: 3, useBias: false, activation: 'sigmoid' })],
  ],
  Dense: [
    () => [layers.dense({ units: 5, activation: 'relu' })],
    () => [layers.flatten(), layers.dense({ units: 5, useBias: false })],
  ],
  BatchNormalization: [
    () => [conv(), layers.batchNormalization({ epsilon: 1e-2, momentum: 0.9 })],
    () => [layers.batchNormalization({ scale: false })],
    () => [layers.batchNormalization({ center: false })],
  ],
  LayerNormalization: [() => [conv(), layers.layerNormalization({ epsilon: 1e-2 })]],
  Rescaling: [() => [layers.rescaling({ scale: 0.5, offset: -0.25 })]],
  Activation: [
    ...(['relu', 'relu6', 'sigmoid', 'tanh', 'hardSigmoid', 'softmax', 'linear', 'swish', 'gelu'] as const).map(
      (activation) => () => [
        layers.rescaling({ scale: 8, offset: 0 }),
        layers.activation({ activation: activation as 'relu' }), // The type of the declared file lacks newer ones.
        layers.conv2d({ filters: 2, kernelSize: 1 }),
      ],
    ),
  ],
  ReLU: [
    () => [layers.reLU()],
    () => [layers.rescaling({ scale: 9, offset: 0 }), layers.reLU({ maxValue: 6 })],
    () => [layers.rescaling({ scale: 9, offset: 0 }), layers.reLU({ maxValue: 2.5 })],
  ],
  LeakyReLU: [() => [layers.leakyReLU()], () => [layers.leakyReLU({ alpha: 0.05 })]],
  Softmax: [() => [layers.softmax({ axis: -1 }), layers.conv2d({ filters: 2, kernelSize: 1 })]],
  ZeroPadding2D: [
    () => [layers.zeroPadding2d({ padding: [[0, 1], [2, 3]] }), layers.conv2d({ filters: 3, kernelSize: 3, strides: 2 })], // prettier-ignore
    () => [layers.zeroPadding2d({ padding: 1 }), layers.maxPooling2d({ poolSize: 3, strides: 2 })],
  ],
  Cropping2D: [() => [layers.cropping2D({ cropping: [[1, 2], [0, 3]] })]], // prettier-ignore
  MaxPooling2D: [
    () => [layers.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' })],
    () => [layers.maxPooling2d({ poolSize: [2, 3] })],
  ],
  AveragePooling2D: [
    () => [layers.averagePooling2d({ poolSize: 3, strides: 2, padding: 'same' })],
    () => [layers.averagePooling2d({ poolSize: 2 })],
  ],
  GlobalAveragePooling2D: [() => [conv(), layers.globalAveragePooling2d({}), layers.dense({ units: 3 })]],
  GlobalMaxPooling2D: [() => [conv(), layers.globalMaxPooling2d({}), layers.dense({ units: 3 })]],
  UpSampling2D: [() => [layers.upSampling2d({ size: [2, 3] })]],
  Flatten: [() => [layers.flatten(), layers.dense({ units: 4 })]],
  Reshape: [() => [layers.reshape({ targetShape: [6, 18, 3] }), conv()]],
  Permute: [() => [layers.permute({ dims: [2, 1, 3] }), layers.flatten(), layers.dense({ units: 3 })]],
  Dropout: [() => [layers.flatten(), layers.dropout({ rate: 0.5 }), layers.dense({ units: 3 })]],
  GaussianNoise: [() => [layers.gaussianNoise({ stddev: 0.2 }), conv()]],
  GaussianDropout: [() => [layers.gaussianDropout({ rate: 0.2 }), conv()]],
  AlphaDropout: [() => [layers.alphaDropout({ rate: 0.2 }), conv()]],
};

describe('a layer of TensorFlow.js computes the same as a graph', () => {
  const cases = Object.entries(CASES).flatMap(([kind, makes]) => makes.map((make, index) => ({ kind, index, make })));
  test.each(cases)('$kind $index', async ({ make }) => {
    // Flattened, so that the output is what the layer gives, not its mean.
    const list = make();
    const end = chain(SIZE, ...make()).outputs[0].shape.length > 2 ? [layers.flatten()] : [];
    await expectSame(chain(SIZE, ...list, ...end, layers.dense({ units: 7 })));
  });

  test('Add, Multiply and Concatenate of three', async () => {
    const input = tf.input({ shape: SIZE });
    const branch = (filters: number): tf.SymbolicTensor => conv(filters).apply(input) as tf.SymbolicTensor;
    const add = layers.add().apply([branch(4), branch(4), branch(4)]) as tf.SymbolicTensor;
    const multiply = layers.multiply().apply([branch(4), add, branch(4)]) as tf.SymbolicTensor;
    const joined = layers.concatenate().apply([multiply, branch(2), branch(3)]) as tf.SymbolicTensor;
    const rows = layers.concatenate({ axis: 1 }).apply([joined, joined]) as tf.SymbolicTensor;
    const output = layers.dense({ units: 3 }).apply(layers.flatten().apply(rows)) as tf.SymbolicTensor;
    await expectSame(tf.model({ inputs: input, outputs: output }));
  });
});

/** One rule for each class of layer; these have none in TensorFlow.js, or are drawn on elsewhere in this file. */
const ELSEWHERE = [
  'Add',
  'Multiply',
  'Concatenate',
  'Normalization',
  'SpatialDropout2D',
  'ActivityRegularization',
  'TFOpLambda',
];

test('every layer of the table is tried', () => {
  const tried = new Set([...Object.keys(CASES), ...ELSEWHERE]);
  expect(Object.keys(LAYERS).filter((kind) => !tried.has(kind) && !kind.startsWith('Random'))).toEqual([]);
});

describe('the end of the network', () => {
  test('softmax of the last dense layer goes, features are what its layers read', async () => {
    const model = tf.sequential({
      layers: [
        layers.conv2d({ filters: 6, kernelSize: 3, inputShape: [8, 8, 3], name: 'Conv1' }),
        layers.globalAveragePooling2d({ name: 'pool' }),
        layers.dense({ units: 5, activation: 'relu', name: 'hidden' }),
        layers.dropout({ rate: 0.3 }),
        layers.dense({ units: 3, activation: 'softmax', name: 'classes' }),
      ],
    });
    const { graph } = await expectSame(model, { probabilities: true });
    expect(graph.features).toBe('pool');
    expect(graph.output).toBe('classes');
    expect(graph.parameters.map(({ name }) => name)).toEqual([
      'Conv1.weight',
      'Conv1.bias',
      'hidden.weight',
      'hidden.bias',
      'classes.weight',
      'classes.bias',
    ]);
    expect(opsBehindFeatures(graph)).toEqual(['input', 'reshape', 'linear', 'activation', 'dropout', 'linear']);
    const other = replaceHead(graph, { kind: 'linear' }, 9);
    expect(other.parameters.at(-2)).toMatchObject({ name: 'classifier.weight', shape: [6, 9] });
  });

  test('a classifier of 1 x 1 pixels is a head, too', async () => {
    const model = chain(
      [8, 8, 3],
      layers.conv2d({ filters: 6, kernelSize: 3, name: 'a/b.c' }),
      layers.globalAveragePooling2d({ name: 'pool' }),
      layers.reshape({ targetShape: [1, 1, 6] }),
      layers.conv2d({ filters: 4, kernelSize: 1, name: 'preds' }),
      layers.reshape({ targetShape: [4] }),
      layers.softmax(),
    );
    const { graph } = await expectSame(model, { probabilities: true });
    expect(graph.features).toBe('pool');
    expect(graph.parameters.map(({ name }) => name)).toContain('a/b_c.weight');
  });

  test('where the classes themselves are pooled, the features are what their convolution reads', async () => {
    const model = chain(
      [8, 8, 3],
      layers.conv2d({ filters: 6, kernelSize: 3, activation: 'relu', name: 'last' }),
      layers.dropout({ rate: 0.5 }),
      layers.conv2d({ filters: 4, kernelSize: 1, activation: 'relu', name: 'classes' }),
      layers.globalAveragePooling2d({}),
      layers.softmax(),
    );
    const { graph } = await expectSame(model, { probabilities: true });
    expect(graph.features).toBe('last.activation');
    expect(replaceHead(graph, { kind: 'linear' }, 9).parameters.at(-2)).toMatchObject({ shape: [1, 1, 6, 9] });
  });

  test('a network without its top is pooled', async () => {
    drawWeights(chain([8, 8, 3], conv()));
    const file = await openTfjsLayers(filesOf(await saved(chain([8, 8, 3], conv(6)))), 'model');
    const { graph } = graphOf(await file.architecture());
    expect(graph.features).toBe(graph.output);
    expect(graph.nodes.at(-1)).toMatchObject({ op: 'global_avg_pool', shape: [6] });
    expect(replaceHead(graph, { kind: 'linear' }, 9).parameters.at(-2)).toMatchObject({ name: 'classifier.weight' });
  });
});

test('a network with a new head is exported under the names of its layers', async () => {
  const imported = chain(
    [8, 8, 3],
    layers.zeroPadding2d({ padding: [[0, 1], [0, 1]] }), // prettier-ignore
    layers.conv2d({ filters: 6, kernelSize: 3, strides: 2, name: 'block_1/expand' }),
    layers.batchNormalization({ name: 'block_1/expand/bn' }),
    layers.reLU({ maxValue: 2.5 }),
    layers.globalAveragePooling2d({}),
    layers.dense({ units: 3, activation: 'softmax' }),
  );
  const file = await openTfjsLayers(filesOf(await saved(imported)), 'model');
  const model = trainedModel(replaceHead(graphOf(await file.architecture()).graph, { kind: 'cosine', scale: 8 }, 4));
  const options = { normalization: false, foldBatchNorm: true };
  const values = images([8, 8, 3]);
  const expected = await run({ title: '', graph: model.graph, parameters: model.parameters }, values, 2);
  for (const runner of [
    await onnxRunner(onnxRuntime)([{ path: 'model.onnx', blob: writeOnnx(model, options) }]),
    await tfjsRunner(writeTfjs(model, options)),
  ]) {
    const outputs = await runner.run(values, [2, 8, 8, 3]);
    expect(difference(outputs.get('logits') ?? new Float32Array(), expected)).toBeLessThan(TOLERANCE);
    await runner.dispose();
  }
  const parameters = await readParameters(model.graph, writeSafetensors(model));
  expect([...parameters.keys()]).toEqual([...model.parameters.keys()]);
  expect([...parameters.keys()]).toContain('block_1/expand/bn.running_var');
});

test('a network that divides by 255 itself wants bytes', async () => {
  const model = chain([8, 8, 3], layers.rescaling({ scale: 1 / 127.5, offset: -1 }), conv());
  const file = await openTfjsLayers(filesOf(await saved(model)), 'model');
  expect(file.preprocess).toMatchObject({ mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255], imageSize: [8, 8] });
});

/** What Keras 3 writes instead of ["layer", 0, 0, {}]. */
const kerasTensor = ([layer, node, tensor]: readonly unknown[]): object => ({
  class_name: '__keras_tensor__',
  config: { shape: [null, 8, 8, 3], dtype: 'float32', keras_history: [layer, node, tensor] },
});

/** The functional model of a topology in the words of Keras 3. */
function inKeras3(topology: object): object {
  const text = JSON.stringify(topology, (key, value: unknown) => {
    if (key === 'inbound_nodes' && Array.isArray(value)) {
      const calls = value as unknown[][][];
      return calls.map((call) => {
        const tensors = call.map(kerasTensor);
        return { args: tensors.length === 1 ? tensors : [tensors], kwargs: {} };
      });
    }
    return value;
  });
  const words = text.replaceAll('batch_input_shape', 'batch_shape');
  return { ...(JSON.parse(words) as object), keras_version: '3.4.1' };
}

describe('other versions of Keras', () => {
  const functional = (): tf.LayersModel => {
    const input = tf.input({ shape: [8, 8, 3] });
    const branch = (name: string): tf.SymbolicTensor =>
      layers.conv2d({ filters: 4, kernelSize: 1, name, activation: 'relu' }).apply(input) as tf.SymbolicTensor;
    const sum = layers.add({ name: 'sum' }).apply([branch('a'), branch('b')]) as tf.SymbolicTensor;
    const pooled = layers.globalAveragePooling2d({ name: 'pool' }).apply(sum) as tf.SymbolicTensor;
    return tf.model({
      inputs: input,
      outputs: layers.dense({ units: 3, name: 'c' }).apply(pooled) as tf.SymbolicTensor,
    });
  };

  test('Keras 3 says the same in other words', async () => {
    const model = await saved(functional());
    const graphs = [model.topology, inKeras3(model.topology)].map(async (topology) =>
      graphOf(await (await openTfjsLayers(filesOf({ ...model, topology }), 'model')).architecture()),
    );
    const [two, three] = await Promise.all(graphs);
    expect(JSON.stringify(inKeras3(model.topology))).toContain('__keras_tensor__');
    expect(three).toEqual(two);
  });

  /** A saved model of Keras 2 with the operations that it writes for x * relu6(x + 3) / 6. */
  const operations = {
    class_name: 'Functional',
    config: {
      name: 'net',
      layers: [
        {
          class_name: 'InputLayer',
          name: 'in',
          config: { batch_input_shape: [null, 4, 4, 3], name: 'in' },
          inbound_nodes: [],
        },
        {
          class_name: 'TFOpLambda',
          name: 'tf.__operators__.add',
          config: { name: 'tf.__operators__.add', function: '__operators__.add' },
          inbound_nodes: [['in', 0, 0, { y: 3, name: null }]],
        },
        {
          class_name: 'ReLU',
          name: 're_lu',
          config: { name: 're_lu', max_value: 6 },
          inbound_nodes: [[['tf.__operators__.add', 0, 0, {}]]],
        },
        {
          class_name: 'TFOpLambda',
          name: 'tf.math.multiply',
          config: { name: 'tf.math.multiply', function: 'math.multiply' },
          inbound_nodes: [['re_lu', 0, 0, { y: 1 / 6, name: null }]],
        },
        {
          class_name: 'TFOpLambda',
          name: 'tf.math.multiply_1',
          config: { name: 'tf.math.multiply_1', function: 'math.multiply' },
          inbound_nodes: [['in', 0, 0, { y: ['tf.math.multiply', 0, 0] }]],
        },
        {
          class_name: 'Dropout',
          name: 'drop',
          config: { name: 'drop', rate: 0.2, noise_shape: [null, 1, 1, 1] },
          inbound_nodes: [[['tf.math.multiply_1', 0, 0, {}]]],
        },
        { class_name: 'Flatten', name: 'flat', config: { name: 'flat' }, inbound_nodes: [[['drop', 0, 0, {}]]] },
      ],
      input_layers: [['in', 0, 0]],
      output_layers: [['flat', 0, 0]],
    },
  };

  test('operations between layers are sums and products', async () => {
    const network = await importKeras({ model_config: operations, keras_version: '2.15.0' }, () => null);
    const architecture = graphOf(await architectureOf(network));
    expect(architecture.graph.nodes.map(({ op }) => op)).toContain('drop_path');
    const values = images([4, 4, 3], 1).map((value) => 5 * value);
    const expected = values.map((x) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6);
    expect(difference(await run(architecture, values, 1), expected)).toBeLessThan(TOLERANCE);
  });

  test('an operation that is neither is named', async () => {
    const text = JSON.stringify(operations).replaceAll('math.multiply', 'math.cumsum');
    const network = await importKeras({ model_config: JSON.parse(text) as object }, () => null);
    expect(network).toMatchObject({ kind: 'unsupported', unsupported: ['TFOpLambda (math.cumsum)'] });
  });

  test('mean and variance of a Normalization layer are part of the graph', async () => {
    const layer = (class_name: string, config: object): object => ({ class_name, config });
    const topology = layer('Sequential', {
      name: 'net',
      layers: [
        layer('Rescaling', { name: 'scale', scale: 1 / 255, offset: 0, batch_input_shape: [null, 2, 2, 3] }),
        layer('Normalization', { name: 'norm', axis: [-1] }),
        layer('Flatten', { name: 'flat' }),
      ],
    }) as Record<string, unknown>;
    const stored: Record<string, number[]> = { mean: [0.5, 0.4, 0.3], variance: [0.04, 0.09, 0] };
    const network = await importKeras(topology, (_, role) => {
      const values = stored[role];
      return { name: `norm/${role}`, shape: [3], read: () => Promise.resolve(Float32Array.from(values)) };
    });
    const architecture = graphOf(await architectureOf(network));
    const values = images([2, 2, 3], 1).map((value) => 127 * (value + 1));
    // Keras's smallest standard deviation is 1e-7.
    const expected = values.map((x, at) => (x / 255 - stored.mean[at % 3]) / [0.2, 0.3, 1e-7][at % 3]);
    expect(difference(await run(architecture, values, 1), expected)).toBeLessThan(TOLERANCE);
    expect(network).toMatchObject({ raw: true });
  });
});

describe('what cannot become a graph is named', () => {
  const reasonOf = async (model: tf.LayersModel): Promise<ArchitectureResult> =>
    (await openTfjsLayers(filesOf(await saved(model)), 'model')).architecture();

  test('unknown layers, all of them', async () => {
    const model = chain(
      [8, 8, 3],
      layers.conv2dTranspose({ filters: 2, kernelSize: 2 }),
      layers.thresholdedReLU(),
      conv(),
    );
    expect(await reasonOf(model)).toMatchObject({
      kind: 'unsupported',
      unsupported: ['Conv2DTranspose', 'ThresholdedReLU'],
    });
  });

  test('an activation', async () => {
    const result = await reasonOf(chain([8, 8, 3], layers.conv2d({ filters: 2, kernelSize: 1, activation: 'elu' })));
    expect(result).toMatchObject({ kind: 'unsupported', unsupported: ['activation "elu"'] });
  });

  test('bilinear enlargement, which Keras and TensorFlow.js do differently', async () => {
    const model = chain([8, 8, 3], layers.upSampling2d({ interpolation: 'bilinear' }), conv());
    expect(await reasonOf(model)).toMatchObject({ unsupported: ['UpSampling2D (bilinear)'] });
  });

  test('images that are not in colour', async () => {
    expect(await reasonOf(chain([8, 8, 1], conv()))).toMatchObject({ kind: 'unsupported', unsupported: ['input'] });
  });

  test('a layer that is used twice', async () => {
    const input = tf.input({ shape: [8, 8, 3] });
    const twice = layers.conv2d({ filters: 3, kernelSize: 1 });
    const output = twice.apply(twice.apply(input)) as tf.SymbolicTensor;
    const result = await reasonOf(tf.model({ inputs: input, outputs: output }));
    expect(result).toMatchObject({ kind: 'unsupported', unsupported: ['shared layer'] });
  });
});

const real = existsSync(TEACHABLE) && existsSync(MOBILENET);
const withReal = real ? test : test.skip;
if (!real)
  console.warn('Skipped: no real TensorFlow.js models, since there is no folder "shared" beside the repository.');

withReal(
  'a Teachable Machine export computes what TensorFlow.js does and trains behind its pooled features',
  async () => {
    const sources = realFiles(TEACHABLE, ['model.json', 'weights.bin', 'metadata.json']);
    const file = await openTfjsLayers(sources, 'export');
    expect(file.classes).toEqual(['diseased leaves', 'healthy leaves']);
    expect(file.preprocess).toEqual({
      mean: [0.5, 0.5, 0.5],
      std: [0.5, 0.5, 0.5],
      imageSize: [224, 224],
      resize: 'crop',
      interpolation: 'bilinear',
    });
    const architecture = graphOf(await file.architecture());
    const document = JSON.parse(await sources[0].blob.text()) as tf.io.ModelJSON;
    const model = await tf.loadLayersModel(
      tf.io.fromMemory({
        modelTopology: document.modelTopology,
        weightSpecs: document.weightsManifest.flatMap(({ weights }) => weights),
        weightData: await sources[1].blob.arrayBuffer(),
      }),
    );
    const values = images([224, 224, 3], 2);
    const expected = await outputOf(model, values, [2, 224, 224, 3]);
    const found = softmax(await run(architecture, values, 2), 2);
    expect(difference(found, expected)).toBeLessThan(TOLERANCE);
    const { graph } = architecture;
    const features = graph.nodes.find(({ id }) => id === graph.features);
    expect(features).toMatchObject({ op: 'global_avg_pool', shape: [1280] });
    expect(graph.nodes.some(({ op }) => op === 'pad')).toBe(false);
    expect(opsBehindFeatures(graph).filter((op) => op === 'linear')).toHaveLength(2);
  },
);

withReal('weights without a topology are tensors alone', async () => {
  const manifest = JSON.parse(readFileSync(new URL('model.json', MOBILENET), 'utf8')) as tf.io.ModelJSON;
  const shards = manifest.weightsManifest.flatMap(({ paths }) => paths);
  expect(shards.length).toBeGreaterThan(50);
  const file = await openTfjsLayers(realFiles(MOBILENET, ['model.json', ...shards]), 'mobilenet');
  expect(await file.architecture()).toEqual({ kind: 'none' });
  expect(file.classes).toBeNull();
  const [first] = file.tensors;
  expect(first).toMatchObject({ name: 'conv1/kernel', shape: [3, 3, 3, 8], dtype: 'float32' });
  const total = file.tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  expect(total).toBe(475_544);
  expect((await first.read()).some((value) => value !== 0)).toBe(true);
});
