// gelu and layer norm: our one-pass kernels against their definitions and tfjs's automatic gradients.

import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { gelu, layerNorm } from '$lib/engines/tfjs/wasm';
import { evaluate, expectAgreement, relativeDifference } from './wasm-support';

const SHAPES: [name: string, shape: number[]][] = [
  ['a map', [2, 5, 4, 8]],
  ['rows that fill no vector', [3, 7]],
  ['one value', [1, 1]],
  ['more rows than one chunk of sums', [300, 6]],
  ['more than a thread takes at once', [3, 31, 33, 24]],
];

/** With x spread over -6..6. */
const wide = (f: (x: tf.Tensor) => tf.Tensor) => (x: tf.Tensor) => f(tf.mul(x, 6));
const definition = (x: tf.Tensor): tf.Tensor => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));

describe('gelu', () => {
  it.each(SHAPES)('agrees with the definition: %s', async (_, shape) => {
    const reference = await evaluate('cpu', wide(definition), [shape]);
    const actual = await evaluate('wasm', wide(gelu), [shape]);
    // Two polynomials of 1.5e-7 each (tfjs's own erf is one), of values up to 6.
    expect(relativeDifference(actual.value, reference.value)).toBeLessThan(1e-6);
    expect(relativeDifference(actual.gradients[0], reference.gradients[0])).toBeLessThan(2e-6);
  });

  it('has the values that tables give', async () => {
    await tf.setBackend('wasm');
    // scipy.stats.norm.cdf(x) * x; 100 and -100 where the exponential is at its end.
    const expected = [
      [0, 0],
      [1, 0.841344746],
      [-1, -0.158655254],
      [3, 2.995950306],
      [-3, -0.004049694],
      [0.001, 0.0005003989],
      [100, 100],
      [-100, 0],
    ];
    const found = tf.tidy(() => gelu(tf.tensor1d(expected.map(([x]) => x))).dataSync());
    expected.forEach(([x, y], at) => expect(Math.abs(found[at] - y), `at ${x}`).toBeLessThan(1e-6));
    expect(tf.tidy(() => gelu(tf.tensor1d([NaN, 1, 1, 1, NaN])).dataSync())).toEqual(
      Float32Array.of(NaN, found[1], found[1], found[1], NaN),
    );
  });
});

describe('layer norm', () => {
  it.each(SHAPES)('agrees with composed operations on cpu: %s', async (_, shape) => {
    const channels = shape[shape.length - 1];
    await expectAgreement((x, gamma, beta) => layerNorm(x, gamma, beta, 1e-3), [shape, [channels], [channels]]);
  });

  it('keeps its digits far from zero', async () => {
    const far = (x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) => layerNorm(tf.add(x, 100), gamma, beta, 1e-6);
    // x + 100 itself has 17 bits behind the point: 4e-6 of a deviation of about 0.6.
    await expectAgreement(far, [[20, 33], [33], [33]], 5e-5);
  });
});
