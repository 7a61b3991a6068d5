// Every tfjs operation that the engine builds on has a gradient on wasm, and the right one: compared with the cpu backend.

import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { as4D, IMAGE, OPERATIONS, type Operation } from './operation-cases';
import { evaluate, expectAgreement, values } from './wasm-support';

/**
 * Piecewise linear operations through the origin: their cpu gradients in tfjs are no reference (wrong for most resizes), but
 * <f(x), dy> = <x, gradient> holds for the right one. Resizes with half-pixel centres are left to graph/ops/resize, because
 * tfjs's gradient kernels are not told of them.
 */
const HOMOGENEOUS: Record<string, [Operation, readonly number[]]> = {
  'resize bilinear, corners aligned': [(x) => tf.image.resizeBilinear(as4D(x), [13, 9], true), IMAGE],
  'resize bilinear, asymmetric': [(x) => tf.image.resizeBilinear(as4D(x), [14, 12]), IMAGE],
  'resize nearest, up': [(x) => tf.image.resizeNearestNeighbor(as4D(x), [14, 12]), IMAGE],
  'resize nearest, down': [(x) => tf.image.resizeNearestNeighbor(as4D(x), [4, 4]), IMAGE],
  'max pool 2x2': [(x) => tf.maxPool(as4D(x), 2, 2, 'valid'), [2, 6, 6, 5]],
  'max pool, overlapping, same': [(x) => tf.maxPool(as4D(x), 3, 1, 'same'), IMAGE],
};

describe('gradients of homogeneous operations on wasm', () => {
  it.each(Object.entries(HOMOGENEOUS))('are the adjoint: %s', async (_, [operation, shape]) => {
    const { value, gradients } = await evaluate('wasm', operation, [shape]);
    const forward = dot(value, values([value.length], 99));
    const backward = dot(values(shape, 1), gradients[0]);
    // Sums of up to a thousand products of numbers near 1.
    expect(Math.abs(forward - backward)).toBeLessThan(1e-3);
    expect(Math.abs(forward)).toBeGreaterThan(0.01);
  });
});

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i], 0);
}

it('max pool gives a tied maximum to the first place alone', async () => {
  await tf.setBackend('wasm');
  const dx = tf.tidy(() => {
    const x = tf.ones<tf.Rank.R4>([1, 2, 4, 5]);
    return tf
      .grad((input) => tf.maxPool(as4D(input), 2, 2, 'valid'))(x)
      .dataSync();
  });
  const first = Array.from({ length: 40 }, (_, i) => (i < 5 || (i >= 10 && i < 15) ? 1 : 0));
  expect(Array.from(dx)).toEqual(first);
});

describe('gradients on wasm', () => {
  it.each(Object.entries(OPERATIONS))('agree with the cpu backend: %s', async (_, [operation, shapes]) => {
    await expectAgreement(operation, shapes);
  });
});
