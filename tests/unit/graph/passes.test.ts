import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import type { Prediction } from '$lib/engines/contract';
import { planForward } from '$lib/engines/tfjs/forward';
import { trainingKernels } from '$lib/engines/tfjs/kernels';
import { predictWith } from '$lib/engines/tfjs/predictor';
import { stream } from '$lib/core/random';
import { GraphBuilder } from '$lib/graph/builder';
import { initializeParameters } from '$lib/graph/initialize';
import { backboneParameters, foldBatchNorm, withNormalization } from '$lib/graph/passes';
import type { Graph, ParameterValues } from '$lib/graph/types';
import resnet from '$models/resnet18/build';
import { nodeEngine } from '../../contract/node-engine';
import { fixedBatch } from '../../contract/training';

beforeAll(async () => {
  await nodeEngine('cpu');
});

/** Fresh values, with norms that are no identity. */
function values(graph: Graph): ParameterValues {
  const random = stream(4, 'passes');
  const fresh = initializeParameters(graph, 2);
  for (const [name, array] of fresh) if (/weight|bias|running/.test(name)) array.forEach((v, at) => (array[at] = v + 0.2 + 0.3 * random())); // prettier-ignore
  return fresh;
}

/** Node for node, as written: the engine's own predictor folds batch norm itself. */
async function run(graph: Graph, parameters: ParameterValues, images: Float32Array): Promise<Prediction> {
  const [height, width, channels] = graph.nodes[0].shape;
  const shape = [images.length / (height * width * channels), height, width, channels] as const;
  const tensors = new Map(graph.parameters.map(({ name, shape }) => [name, tf.tensor(parameters.get(name) ?? [], [...shape])])); // prettier-ignore
  const result = await predictWith(planForward(graph), tensors, trainingKernels, { images, shape }, true);
  tf.dispose([...tensors.values()]);
  return result;
}

function relativeDifference(a: Float32Array, b: Float32Array): number {
  const largest = Math.max(...a.map(Math.abs));
  return Math.max(...a.map((value, at) => Math.abs(value - b[at]))) / largest;
}

const bytesAsFloats = (graph: Graph): Float32Array =>
  Float32Array.from(fixedBatch(graph, 2).images, (byte) => byte / 255);

/** Every kind of layer that can take a norm in, a norm that cannot be folded, and one on the way out. */
function mixture(): Graph {
  const builder = new GraphBuilder([6, 6]);
  const conv = builder.batchNorm('a.bn', builder.conv2d('a.conv', builder.input, { filters: 4, kernel: 3, groups: 1 }));
  const depthwise = builder.batchNorm('b.bn', builder.depthwiseConv2d('b.conv', conv, { kernel: 3, padding: 1, multiplier: 2, bias: false })); // prettier-ignore
  const up = builder.batchNorm(
    'c.bn',
    builder.convTranspose2d('c.conv', depthwise, { filters: 3, kernel: 2, stride: 2 }),
  );
  const shared = builder.conv2d('d.conv', up, { filters: 3, kernel: 1 });
  const kept = builder.add(shared, builder.batchNorm('d.bn', shared));
  const pooled = builder.globalAvgPool(kept);
  return builder.build(builder.batchNorm('e.bn', builder.linear('e.fc', pooled, { features: 5, bias: false })), { features: pooled }); // prettier-ignore
}

test('folding batch norm changes no output and leaves the norms with two readers alone', async () => {
  const graph = mixture();
  const parameters = values(graph);
  const images = bytesAsFloats(graph);
  const folded = foldBatchNorm(graph, parameters);
  expect(folded.graph.nodes.filter((node) => node.op === 'batch_norm').map((node) => node.id)).toEqual(['d.bn']);
  expect(folded.graph.output).toBe('e.fc');
  expect([...folded.parameters.keys()].sort()).toEqual(folded.graph.parameters.map(({ name }) => name).sort());
  const [before, after] = [await run(graph, parameters, images), await run(folded.graph, folded.parameters, images)];
  // Rounding of float32 weights, a few layers deep.
  expect(relativeDifference(before.output, after.output)).toBeLessThan(2e-6);
  expect(relativeDifference(before.features ?? before.output, after.features ?? after.output)).toBeLessThan(2e-6);
});

test('folding leaves the given graph and values as they were', () => {
  const graph = mixture();
  const parameters = values(graph);
  const [graphBefore, weightBefore] = [JSON.stringify(graph), parameters.get('a.conv.weight')?.slice()];
  foldBatchNorm(graph, parameters);
  expect(JSON.stringify(graph)).toBe(graphBefore);
  expect(parameters.get('a.conv.weight')).toEqual(weightBefore);
});

test('normalisation inside the graph is normalisation outside it', async () => {
  const graph = mixture();
  const parameters = values(graph);
  const images = bytesAsFloats(graph);
  const [mean, std] = [[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]]; // prettier-ignore
  const normalized = images.map((value, at) => (value - mean[at % 3]) / std[at % 3]);
  const outside = await run(graph, parameters, normalized);
  const inside = await run(withNormalization(graph, mean, std), parameters, images);
  expect(relativeDifference(outside.output, inside.output)).toBeLessThan(5e-6);
});

test('normalisation with a wrong number of channels, a zero deviation, or twice is refused', () => {
  const graph = mixture();
  expect(() => withNormalization(graph, [0], [1])).toThrow(/3 channels/);
  expect(() => withNormalization(graph, [0, 0, 0], [1, 0, 1])).toThrow(/positive/);
  expect(() => withNormalization(withNormalization(graph, [0, 0, 0], [1, 1, 1]), [0, 0, 0], [1, 1, 1])).toThrow(
    /already/,
  );
});

test('the backbone is everything but the classifier', () => {
  const graph = resnet({ config: {}, imageSize: [32, 32], classes: 2 });
  const backbone = backboneParameters(graph);
  const trainable = graph.parameters.filter((parameter) => parameter.trainable).map(({ name }) => name);
  expect(trainable.filter((name) => !backbone.has(name))).toEqual(['fc.weight', 'fc.bias']);
});
