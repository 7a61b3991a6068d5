// ONNX files as weights and as networks: what is imported must compute what ONNX Runtime computes from the same file.
import * as ort from 'onnxruntime-node';
import { beforeAll, expect, test } from 'vitest';
import { elements } from '$lib/graph/ops/operation';
import type { Graph } from '$lib/graph/types';
import type { Engine } from '$lib/engines/contract';
import { readBytes } from '$lib/interchange/bytes';
import { writeOnnx } from '$lib/interchange/onnx/write';
import { openOnnx } from '$lib/interchange/weights/onnx/open';
import resnet18 from '$models/resnet18/build';
import tinyCnn from '$models/tiny-cnn/build';
import { toChannelsFirst } from '$lib/interchange/verify/runner';
import type { ImageShape } from '$lib/interchange/verify/runner';
import { nodeEngine } from '../support/engine';
import { graphCases } from '../support/graphs';
import { randomImages, relativeDifference, trainedModel } from '../support/models';

let engine: Engine;
beforeAll(async () => {
  engine = await nodeEngine('wasm');
});

/** The file's own answer, of its first output. */
async function runtimeOutput(blob: Blob, images: Float32Array, shape: ImageShape): Promise<Float32Array> {
  const session = await ort.InferenceSession.create(await readBytes(blob), { logSeverityLevel: 3 });
  const [count, height, width, channels] = shape;
  const input = new ort.Tensor('float32', toChannelsFirst(images, shape), [count, channels, height, width]);
  const results = await session.run({ [session.inputNames[0]]: input });
  const { data } = results[session.outputNames[0]];
  if (!(data instanceof Float32Array)) throw new Error('not float32');
  return data;
}

async function importedOutput(blob: Blob, images: Float32Array, shape: ImageShape): Promise<Float32Array> {
  const file = await openOnnx(blob, 'model.onnx');
  const result = await file.architecture();
  if (result.kind !== 'graph') throw new Error(JSON.stringify(result));
  const { graph, parameters } = result.architecture;
  const predictor = engine.predictor(graph, parameters);
  // What the importer has taken out of the graph.
  const { mean, std } = file.preprocess ?? { mean: [0, 0, 0], std: [1, 1, 1] };
  const normal = images.map((value, at) => (value - mean[at % 3]) / std[at % 3]);
  const { output } = await predictor.predict({
    images: normal,
    shape,
    targets: { values: new Float32Array(0), shape: [0] },
  });
  predictor.dispose();
  return output;
}

test('our own ResNet-18 comes back as the graph that it was', async () => {
  const model = trainedModel(resnet18({ config: {}, imageSize: [64, 96], classes: 5 }));
  const blob = writeOnnx(model, { normalization: true });
  const images = randomImages([2, 64, 96, 3]);
  const expected = await runtimeOutput(blob, images, [2, 64, 96, 3]);
  expect(relativeDifference(expected, await importedOutput(blob, images, [2, 64, 96, 3]))).toBeLessThan(1e-5);
  const file = await openOnnx(blob, 'model.onnx');
  expect(file.classes).toEqual(model.classes);
  expect(file.preprocess).toMatchObject({ mean: model.preprocess.mean, std: model.preprocess.std });
});

test('our own tiny CNN', async () => {
  const model = trainedModel(tinyCnn({ config: {}, imageSize: [24, 32], classes: 4 }));
  const blob = writeOnnx(model, { normalization: false });
  const images = randomImages([2, 24, 32, 3]);
  const expected = await runtimeOutput(
    blob,
    images.map((value, at) => (value - model.preprocess.mean[at % 3]) / model.preprocess.std[at % 3]),
    [2, 24, 32, 3],
  );
  expect(relativeDifference(expected, await importedOutput(blob, images, [2, 24, 32, 3]))).toBeLessThan(1e-5);
});

/** The graph with a linear layer on all of its output, so that every value and its place count. */
function probed(graph: Graph): Graph {
  const end = graph.nodes.find(({ id }) => id === graph.output);
  const inputs = elements(end?.shape ?? []);
  return {
    nodes: [
      ...graph.nodes,
      {
        id: 'flat',
        op: 'reshape',
        inputs: [graph.output],
        attributes: { shape: [inputs] },
        parameters: {},
        shape: [inputs],
      },
      {
        id: 'probe',
        op: 'linear',
        inputs: ['flat'],
        attributes: { features: 6 },
        parameters: { weight: 'probe.weight' },
        shape: [6],
      },
    ],
    output: 'probe',
    parameters: [
      ...graph.parameters,
      {
        name: 'probe.weight',
        shape: [inputs, 6],
        layout: 'linear',
        trainable: true,
        decay: true,
        initializer: { kind: 'zeros' },
      },
    ],
  };
}

test.each(graphCases)('$op: $title is imported as it was exported', async ({ graph }) => {
  const model = trainedModel(probed(graph));
  const blob = writeOnnx(model, { normalization: true });
  const shape: ImageShape = [2, graph.nodes[0].shape[0], graph.nodes[0].shape[1], 3];
  const images = randomImages(shape);
  const expected = await runtimeOutput(blob, images, shape);
  expect(relativeDifference(expected, await importedOutput(blob, images, shape))).toBeLessThan(1e-5);
});
