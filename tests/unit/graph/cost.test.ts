import { expect, test } from 'vitest';
import { GraphBuilder } from '$lib/graph/builder';
import { countFlops, countParameters, estimateTrainingMemory } from '$lib/graph/cost';
import mobilenet from '$models/mobilenetv2_100/build';
import resnet from '$models/resnet18/build';
import tiny from '$models/tiny-cnn/build';

const at = (size: number) => ({ config: {}, imageSize: [size, size] as const, classes: 10 });

test('tiny-cnn has 141,706 trainable parameters at ten classes', () => {
  expect(countParameters(tiny(at(64)))).toEqual({ trainable: 141_706, total: 141_706 + 2 * (32 + 32 + 64 + 64 + 64 + 64 + 128 + 128 + 128 + 128 + 256 + 256 + 256) }); // prettier-ignore
});

test('the published multiply-adds of the architectures are found', () => {
  // He et al. 2016, table 1: 1.8e9; Sandler et al. 2018, table 4: 300e6. Both count convolutions and the classifier for
  // 1,000 classes; ten classes and the norms move that by about 1%.
  expect(countFlops(resnet(at(224))) / 2).toBeGreaterThan(1.78e9);
  expect(countFlops(resnet(at(224))) / 2).toBeLessThan(1.85e9);
  expect(countFlops(mobilenet(at(224))) / 2).toBeGreaterThan(295e6);
  expect(countFlops(mobilenet(at(224))) / 2).toBeLessThan(315e6);
});

test('operations are counted by hand', () => {
  const builder = new GraphBuilder([4, 4], 2);
  const x = builder.conv2d('conv', builder.input, { filters: 3, kernel: 3, padding: 1 });
  const pooled = builder.globalAvgPool(builder.activation(x, 'relu'));
  const graph = builder.build(builder.linear('fc', pooled, { features: 5 }));
  const convolution = 2 * 9 * 2 * 3 * 16 + 3 * 16;
  expect(countFlops(graph)).toBe(convolution + 3 * 16 + (2 * 3 * 5 + 5));
});

test('memory grows with the batch and with what the optimiser keeps', () => {
  const graph = tiny(at(32));
  const one = estimateTrainingMemory(graph, 1, 'sgd');
  const many = estimateTrainingMemory(graph, 64, 'adamw');
  expect(one.gradients).toBe(4 * 141_706);
  expect(one.optimizer).toBe(4 * 141_706);
  expect(many.optimizer).toBe(2 * one.optimizer);
  expect(many.activations).toBe(64 * one.activations);
  expect(many.total).toBe(many.parameters + many.gradients + many.optimizer + many.activations);
});

test('a ReLU that batch norm applies itself keeps nothing of its own', () => {
  const build = (shared: boolean) => {
    const builder = new GraphBuilder([4, 4], 2);
    const norm = builder.batchNorm('bn', builder.input);
    const relu = builder.activation(norm, 'relu');
    return builder.build(shared ? builder.add(relu, norm) : builder.add(relu, builder.input));
  };
  const bytes = (shared: boolean): number => estimateTrainingMemory(build(shared), 1, 'sgd').activations;
  expect(bytes(true) - bytes(false)).toBe(4 * 32);
});
