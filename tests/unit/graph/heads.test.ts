import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { planForward } from '$lib/engines/tfjs/forward';
import { trainingKernels } from '$lib/engines/tfjs/kernels';
import { predictWith } from '$lib/engines/tfjs/predictor';
import { GraphBuilder } from '$lib/graph/builder';
import { replaceHead, splitAtFeatures } from '$lib/graph/heads';
import { initializeParameters } from '$lib/graph/initialize';
import { backboneParameters } from '$lib/graph/passes';
import type { Graph, ParameterValues } from '$lib/graph/types';
import { graphFromJson } from '$lib/interchange/bundle/graph-json';
import mobilenet from '$models/mobilenetv2_100/build';
import { nodeEngine } from '../../contract/node-engine';
import { fixedBatch } from '../../contract/training';

beforeAll(async () => {
  await nodeEngine('cpu');
});

const registered = (classes: number): Graph => mobilenet({ config: { dropout: 0.25 }, imageSize: [32, 32], classes });

/** A network as a file could bring it: features, two dense layers behind them. */
function foreign(): Graph {
  const builder = new GraphBuilder([6, 5]);
  const x = builder.conv2d('head', builder.input, { filters: 4, kernel: 3 });
  const features = builder.globalAvgPool(x);
  const hidden = builder.activation(builder.linear('dense_1', features, { features: 7 }), 'relu');
  return builder.build(builder.linear('dense_2', hidden, { features: 3 }), { features });
}

/** SqueezeNet's way: the classifier is a convolution, pooling comes last. */
function convolutional(): Graph {
  const builder = new GraphBuilder([6, 5]);
  const features = builder.conv2d('stem', builder.input, { filters: 4, kernel: 3 });
  const x = builder.conv2d('classifier.1', builder.dropout('classifier.0', features, 0.5), { filters: 9, kernel: 1 });
  return builder.build(builder.globalAvgPool(builder.activation(x, 'relu')), { features });
}

const names = (graph: Graph): string[] => graph.parameters.map(({ name }) => name);
const shapeOf = (graph: Graph): readonly number[] | undefined =>
  graph.nodes.find(({ id }) => id === graph.output)?.shape;
const specification = (graph: Graph, wanted: string): readonly number[] | undefined =>
  graph.parameters.find(({ name }) => name === wanted)?.shape;

async function run(graph: Graph, values: ParameterValues, images: Uint8Array | Float32Array): Promise<Float32Array> {
  const [height, width, channels] = graph.nodes[0].shape;
  const shape = [images.length / (height * width * channels), height, width, channels] as const;
  const tensors = new Map(graph.parameters.map(({ name, shape }) => [name, tf.tensor(values.get(name) ?? [], [...shape])])); // prettier-ignore
  const { output } = await predictWith(planForward(graph), tensors, trainingKernels, { images, shape }, false);
  tf.dispose([...tensors.values()]);
  return output;
}

/** Whole as a graph: what a bundle's reader demands of one. */
function expectSound(graph: Graph): void {
  expect(graphFromJson(JSON.parse(JSON.stringify(graph)), 'graph')).toEqual(graph);
}

describe('replaceHead', () => {
  test('a linear head of a registered model is its own classifier for the new classes', () => {
    expect(replaceHead(registered(10), { kind: 'linear' }, 5)).toEqual(registeredFor(5));
  });

  /** fan_out decides timm's start of the classifier; the replaced one keeps the old bound. */
  function registeredFor(classes: number): Graph {
    const graph = registered(classes);
    const old = registered(10).parameters.find(({ name }) => name === 'classifier.weight')?.initializer;
    return {
      ...graph,
      parameters: graph.parameters.map((one) =>
        one.name === 'classifier.weight' && old !== undefined ? { ...one, initializer: old } : one,
      ),
    };
  }

  test('the own head for the same classes is the same graph', () => {
    const graph = registered(10);
    expect(replaceHead(graph, { kind: 'linear' }, 10)).toBe(graph);
  });

  test('a convolution that classifies keeps its place', () => {
    const graph = replaceHead(convolutional(), { kind: 'linear' }, 5);
    expectSound(graph);
    expect(shapeOf(graph)).toEqual([5]);
    expect(specification(graph, 'classifier.1.weight')).toEqual([1, 1, 4, 5]);
    expect(specification(graph, 'classifier.1.bias')).toEqual([5]);
  });

  test('a linear head of a network from a file is called classifier', () => {
    const graph = replaceHead(foreign(), { kind: 'linear' }, 6);
    expectSound(graph);
    expect(names(graph)).toEqual(['head.weight', 'head.bias', 'classifier.weight', 'classifier.bias']);
    expect(shapeOf(graph)).toEqual([6]);
  });

  test('a new linear layer takes the place of an own one when that is wanted', () => {
    const graph = replaceHead(registered(10), { kind: 'linear' }, 6, { keepOwn: false });
    expectSound(graph);
    expect(graph.nodes.map(({ op }) => op)).not.toContain('dropout');
    expect(names(graph).slice(-2)).toEqual(['classifier.weight', 'classifier.bias']);
  });

  test('an MLP has the names of an nn.Sequential', () => {
    const graph = replaceHead(registered(10), { kind: 'mlp', hidden: 64, dropout: 0.2 }, 5);
    expectSound(graph);
    expect(names(graph).slice(-4)).toEqual(['head.0.weight', 'head.0.bias', 'head.3.weight', 'head.3.bias']);
    expect(graph.nodes.slice(-4).map(({ op }) => op)).toEqual(['linear', 'activation', 'dropout', 'linear']);
    expect(specification(graph, 'head.0.weight')).toEqual([1280, 64]);
    expect(specification(graph, 'head.3.weight')).toEqual([64, 5]);
    expect(backboneParameters(graph)).toEqual(backboneParameters(registered(10)));
    const plain = replaceHead(registered(10), { kind: 'mlp', hidden: 64, dropout: 0 }, 5);
    expect(names(plain).slice(-2)).toEqual(['head.3.weight', 'head.3.bias']);
  });

  test('a cosine head has a weight alone', () => {
    const graph = replaceHead(registered(10), { kind: 'cosine', scale: 16 }, 5);
    expectSound(graph);
    expect(names(graph).at(-1)).toBe('head.weight');
    expect(graph.nodes.at(-1)).toMatchObject({ op: 'cosine_linear', attributes: { features: 5, scale: 16 } });
  });

  test('a name that the backbone uses is not taken again', () => {
    const graph = replaceHead(foreign(), { kind: 'cosine', scale: 16 }, 5);
    expectSound(graph);
    expect(names(graph)).toEqual(['head.weight', 'head.bias', 'head_2.weight']);
  });

  test('features of height and width are averaged before a new head', async () => {
    const graph = replaceHead(convolutional(), { kind: 'cosine', scale: 1 }, 5);
    expectSound(graph);
    expect(graph.nodes.slice(-2).map(({ op }) => op)).toEqual(['global_avg_pool', 'cosine_linear']);
    const logits = await run(graph, initializeParameters(graph, 1), fixedBatch(graph, 2).images);
    expect(logits).toHaveLength(10);
    expect(Math.max(...logits.map(Math.abs))).toBeLessThanOrEqual(1 + 1e-6);
  });

  test('a graph without features is refused', () => {
    const { features, ...rest } = foreign();
    expect(features).toBeDefined();
    expect(() => replaceHead(rest, { kind: 'linear' }, 5)).toThrowError(
      expect.objectContaining({ code: 'graph-features' }),
    );
  });
});

describe('splitAtFeatures', () => {
  test.each([
    ['a registered model', registered(7)],
    ['a network from a file', foreign()],
    ['a convolutional head', convolutional()],
    ['an MLP', replaceHead(registered(10), { kind: 'mlp', hidden: 8, dropout: 0.5 }, 3)],
  ])('the halves of %s compute what the whole does', async (_, graph) => {
    const { backbone, head } = splitAtFeatures(graph);
    expectSound(backbone);
    expectSound(head);
    expect([...names(backbone), ...names(head)].sort()).toEqual(names(graph).sort());
    const values = initializeParameters(graph, 3);
    const { images } = fixedBatch(graph, 2);
    const whole = await run(graph, values, images);
    const parts = await run(head, values, await run(backbone, values, images));
    // The same operations on the same numbers.
    expect(parts).toEqual(whole);
  });

  test('the head of a vector reads [1, 1, features]', () => {
    expect(splitAtFeatures(registered(7)).head.nodes[0].shape).toEqual([1, 1, 1280]);
  });

  test('a head that reads past the features cannot be split off', () => {
    const builder = new GraphBuilder([4, 4]);
    const early = builder.globalAvgPool(builder.input);
    const features = builder.linear('a', early, { features: 3 });
    const graph = builder.build(builder.add(builder.linear('b', features, { features: 3 }), early), { features });
    expect(() => splitAtFeatures(graph)).toThrowError(expect.objectContaining({ code: 'graph-features' }));
  });
});
