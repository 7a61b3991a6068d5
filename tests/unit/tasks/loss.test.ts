import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { LossFunction } from '$lib/engines/contract';
import { crossEntropy, inverseClassWeights, supervisedContrastive } from '$lib/tasks/classification/loss';
import { createContrastiveLoss, createLoss } from '$lib/tasks/losses';
import { readGolden } from '../../golden';

interface Golden {
  logits: number[][];
  labels: number[];
  class_weights: number[];
  soft_targets: number[][];
  embeddings: number[][];
  embedding_labels: number[];
  expected: Record<string, { loss: number; grad: number[][] }>;
}

const golden = readGolden<Golden>('losses.json');
const classes = golden.logits[0].length;
const oneHot = golden.labels.map((label) => Array.from({ length: classes }, (_, index) => Number(index === label)));
// float32 against float64 on values of about 2.
const RELATIVE = 1e-5;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

function expectGolden(loss: LossFunction, targets: number[][], name: string, inputs = golden.logits): void {
  const { loss: value, grad } = golden.expected[name];
  const before = tf.memory().numTensors;
  const [found, slope] = tf.tidy(() => {
    const result = tf.valueAndGrad((x) => tf.sum<tf.Scalar>(loss(x, tf.tensor2d(targets))))(tf.tensor2d(inputs));
    return [result.value.dataSync()[0], Array.from(result.grad.dataSync())];
  });
  expect(Math.abs(found - value)).toBeLessThan(RELATIVE * value);
  const largest = Math.max(...grad.flat().map(Math.abs));
  grad.flat().forEach((expected, index) => {
    expect(Math.abs(slope[index] - expected)).toBeLessThan(RELATIVE * largest);
  });
  expect(tf.memory().numTensors).toBe(before);
}

describe("cross entropy, value and gradient, equals PyTorch's", () => {
  it('plain', () => {
    expectGolden(crossEntropy(), oneHot, 'cross_entropy');
  });
  it('with label smoothing', () => {
    expectGolden(crossEntropy({ labelSmoothing: 0.1 }), oneHot, 'cross_entropy_smoothing_0_1');
  });
  it('with class weights', () => {
    const classWeights = Float32Array.from(golden.class_weights);
    expectGolden(crossEntropy({ classWeights }), oneHot, 'cross_entropy_weighted');
  });
  it('with soft targets', () => {
    expectGolden(crossEntropy(), golden.soft_targets, 'cross_entropy_soft_targets');
  });
});

describe('the supervised contrastive loss', () => {
  const labels = golden.embedding_labels.map((label) => [0, 1, 2].map((index) => Number(index === label)));

  it("equals PyTorch's, value and gradient, with images that are alone in their class", () => {
    expectGolden(supervisedContrastive({ temperature: 0.1 }), labels, 'supcon_t01', golden.embeddings);
  });

  it('stays finite where a low temperature makes all others vanish', () => {
    const loss = supervisedContrastive({ temperature: 0.01 });
    const value = tf.tidy(() => loss(tf.tensor2d([[1, 0], [-1, 0]]), tf.tensor2d([[1], [1]])).dataSync()[0]); // prettier-ignore
    expect(value).toBeCloseTo(0, 5);
  });

  it('is the loss of metric learning, and 0 without gradient for a batch without pairs', () => {
    const loss = createContrastiveLoss('classification', { temperature: 0.1 });
    const alone = [
      [1, 0],
      [0, 1],
    ];
    const { value, grad } = tf.valueAndGrad((x) => tf.sum<tf.Scalar>(loss(x, tf.tensor2d(alone))))(tf.tensor2d([[3, 4], [0, 0]])); // prettier-ignore
    expect(value.dataSync()[0]).toBeCloseTo(0, 10);
    expect(Array.from(grad.dataSync()).map(Math.abs)).toEqual([0, 0, 0, 0]);
    expect(() => createContrastiveLoss('detection', { temperature: 0.1 })).toThrow('no metric learning for detection');
  });
});

describe('the loss of a job', () => {
  it('weighs classes by their inverse frequency in train', () => {
    const train = [0, 0, 0, 1].map((index) => ({ kind: 'class', class: index }) as const);
    expect(Array.from(inverseClassWeights(train, 2))).toEqual([Math.fround(4 / 6), 2]);
    const loss = createLoss(
      'classification',
      { name: 'cross_entropy', class_weights: 'inverse' },
      { classes: 2, train },
    );
    const value = tf.tidy(
      () =>
        loss(
          tf.tensor2d([
            [3, 0],
            [3, 0],
          ]),
          tf.tensor2d([
            [1, 0],
            [0, 1],
          ]),
        ).dataSync()[0],
    );
    const [right, wrong] = [Math.log(1 + Math.exp(-3)), 3 + Math.log(1 + Math.exp(-3))];
    expect(value).toBeCloseTo(((4 / 6) * right + 2 * wrong) / (4 / 6 + 2), 5);
  });

  it('is refused under an unknown name', () => {
    expect(() => createLoss('classification', { name: 'hinge' }, { classes: 2, train: [] })).toThrow('no loss "hinge"');
  });
});
