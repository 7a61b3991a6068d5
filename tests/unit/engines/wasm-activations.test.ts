// hard_swish and silu: our one-pass kernels against their definitions and tfjs's automatic gradients.

import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { hardSwish, silu } from '$lib/engines/tfjs/wasm';
import { evaluate, relativeDifference } from './wasm-support';

const DEFINITIONS = {
  hardSwish: (x: tf.Tensor) => tf.div(tf.mul(x, tf.clipByValue(tf.add(x, 3), 0, 6)), 6),
  silu: (x: tf.Tensor) => tf.div(x, tf.add(tf.exp(tf.neg(x)), 1)),
} as const;

const FUNCTIONS = { hardSwish, silu } as const;

/** Values in -6..6, on both sides of every corner. */
const widened = (f: (x: tf.Tensor) => tf.Tensor) => (x: tf.Tensor) => f(tf.mul(x, 6));

const SHAPES: [name: string, shape: number[]][] = [
  ['a map', [2, 5, 4, 8]],
  ['a length that fills no vector', [3, 7]],
  ['one value', [1]],
  ['more than a thread takes at once', [3, 31, 33, 24]],
];

describe.each(['hardSwish', 'silu'] as const)('%s', (name) => {
  describe.each(['wasm', 'cpu'] as const)('on %s', (backend) => {
    it.each(SHAPES)('agrees with the definition: %s', async (_, shape) => {
      const reference = await evaluate('cpu', widened(DEFINITIONS[name]), [shape]);
      const actual = await evaluate(backend, widened(FUNCTIONS[name]), [shape]);
      // Float32 rounding of three operations, and of XNNPACK's exponential.
      expect(relativeDifference(actual.value, reference.value)).toBeLessThan(1e-6);
      expect(relativeDifference(actual.gradients[0], reference.gradients[0])).toBeLessThan(2e-6);
    });
  });
});

it('hardSwish has the slopes of its pieces where they meet, or of a neighbour', async () => {
  await tf.setBackend('wasm');
  const slope = tf.grad((x) => hardSwish(x));
  const corners = [-1e30, -3.0000002, -3, -2.9999998, 0, 2.9999998, 3, 3.0000002, 1e30];
  const found = Array.from(tf.tidy(() => slope(tf.tensor1d(corners)).dataSync()));
  const expected = [0, 0, 0, -0.5, 0.5, 1.5, 1, 1, 1];
  found.forEach((value, at) => expect(value, `at ${corners[at]}`).toBeCloseTo(expected[at], 5));
});

it('a second use of the input adds its gradient', async () => {
  const reference = await evaluate('cpu', (x) => tf.mul(x, DEFINITIONS.silu(x)), [[4, 9]]);
  const actual = await evaluate('wasm', (x) => tf.mul(x, silu(x)), [[4, 9]]);
  expect(relativeDifference(actual.gradients[0], reference.gradients[0])).toBeLessThan(2e-6);
});
