// Training-mode batch norm: our kernels and our composed form against plain tfjs ops and their automatic gradients.

import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { batchNormTrain, type FusedActivation } from '$lib/engines/tfjs/wasm';
import { evaluate, relativeDifference, values } from './wasm-support';

const EPSILON = 1e-3;

/** Written from the definition, differentiated by tfjs. */
function definition(activation: FusedActivation): (...inputs: tf.Tensor[]) => tf.Tensor {
  return (x, gamma, beta) => {
    const scaled = tf.add(tf.mul(x, 3), 2);
    const { mean, variance } = tf.moments(scaled, [0, 1, 2]);
    const normalized = tf.div(tf.sub(scaled, mean), tf.sqrt(tf.add(variance, EPSILON)));
    const z = tf.add(tf.mul(normalized, tf.mul(gamma, 5)), beta);
    if (activation === 'none') return z;
    return activation === 'relu' ? tf.relu(z) : tf.relu6(z);
  };
}

/** The same through batchNormTrain. The factors move values to both sides of 0 and of 6. */
function fused(activation: FusedActivation): (...inputs: tf.Tensor[]) => tf.Tensor {
  return (x, gamma, beta) => {
    const scaled = tf.add(tf.mul(x, 3), 2);
    const x4 = tf.reshape<tf.Rank.R4>(scaled, [x.shape[0], x.shape[1] ?? 1, x.shape[2] ?? 1, x.shape[3] ?? 1]);
    const gamma1 = tf.reshape<tf.Rank.R1>(tf.mul(gamma, 5), [gamma.size]);
    return batchNormTrain(x4, gamma1, tf.reshape<tf.Rank.R1>(beta, [beta.size]), EPSILON, activation).y;
  };
}

const SHAPES: [name: string, shape: [number, number, number, number]][] = [
  ['whole vectors', [4, 6, 5, 16]],
  ['channels that fill no vector', [3, 5, 7, 7]],
  ['one channel', [2, 4, 4, 1]],
  ['more rows than a chunk', [5, 31, 17, 33]],
  ['one pixel an image', [9, 1, 1, 12]],
];

describe('batchNormTrain', () => {
  for (const backend of ['wasm', 'cpu'] as const) {
    for (const activation of ['none', 'relu', 'relu6'] as const) {
      it.each(SHAPES)(
        `agrees with the definition on ${backend} with activation ${activation}: %s`,
        async (_, shape) => {
          const shapes = [shape, [shape[3]], [shape[3]]];
          const reference = await evaluate('cpu', definition(activation), shapes);
          const actual = await evaluate(backend, fused(activation), shapes);
          // Float32 rounding of a sum over the batch, times the 5 that widens the range.
          expect(relativeDifference(actual.value, reference.value)).toBeLessThan(1e-5);
          for (const [i, gradient] of reference.gradients.entries()) {
            expect(relativeDifference(actual.gradients[i], gradient), `gradient ${i}`).toBeLessThan(2e-5);
          }
        },
      );
    }
  }

  it('gives the moments, also where the mean is a thousand standard deviations away', async () => {
    await tf.setBackend('wasm');
    const shape: [number, number, number, number] = [4, 9, 9, 5];
    const data = values(shape, 3).map((value) => 1000 + value);
    const [mean, varBiased] = tf.tidy(() => {
      const result = batchNormTrain(tf.tensor4d(data, shape), tf.ones([5]), tf.zeros([5]), EPSILON);
      return [result.mean.dataSync(), result.varBiased.dataSync()];
    });
    for (let c = 0; c < 5; c++) {
      const channel = Array.from(data.filter((_, i) => i % 5 === c));
      const exactMean = channel.reduce((a, b) => a + b, 0) / channel.length;
      const exactVariance = channel.reduce((a, b) => a + (b - exactMean) ** 2, 0) / channel.length;
      // Half a unit in the last place of 1000 is 3e-5.
      expect(Math.abs(mean[c] - exactMean)).toBeLessThan(4e-5);
      expect(Math.abs(varBiased[c] / exactVariance - 1)).toBeLessThan(1e-5);
    }
  });

  it('passes a NaN on, so that a run that diverged is seen', async () => {
    await tf.setBackend('wasm');
    const y = tf.tidy(() => {
      const x = tf.tensor4d([1, 2, NaN, 4, 5, 6, 7, 8], [2, 1, 1, 4]);
      return batchNormTrain(x, tf.ones([4]), tf.zeros([4]), EPSILON, 'relu6').y.dataSync();
    });
    expect(Number.isNaN(y[2])).toBe(true);
    expect(Number.isNaN(y[6])).toBe(true);
    expect(Number.isNaN(y[0])).toBe(false);
  });
});
