// Our cpu kernels against tfjs's own, which run as long as ours are not registered: every reference is computed first.

import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { registerCpuTrainingKernels } from '$lib/engines/tfjs/cpu';
import { CONV2D } from '$lib/engines/tfjs/own-ops';
import { batchNormTrain, conv2d, depthwiseConv2d } from '$lib/engines/tfjs/wasm';
import { CONVOLUTIONS, DEPTHWISE, PLAIN } from './convolution-cases';
import { as4D, OPERATIONS, type Operation, type Shapes } from './operation-cases';
import { evaluate, relativeDifference, type Outcome } from './wasm-support';

const rank1 = (x: tf.Tensor): tf.Tensor1D => tf.reshape<tf.Rank.R1>(x, [x.size]);

const norm =
  (activation: 'none' | 'relu' | 'relu6'): Operation =>
  (x, gamma, beta) =>
    batchNormTrain(as4D(tf.mul(x, 4)), rank1(gamma), rank1(beta), 1e-5, activation).y;

/** More than a block of rows (64), of steps (256) and of columns, none of them a multiple of four. */
const LARGE: Record<string, [Operation, Shapes]> = {
  'matrix product of many blocks': [(a, b) => tf.matMul(a, b), [[131, 517], [517, 39]]], // prettier-ignore
  'and with both transposed': [(a, b) => tf.matMul(a, b, true, true), [[517, 131], [39, 517]]], // prettier-ignore
  'a convolution of many blocks': [
    (x, filter) => conv2d(as4D(x), as4D(filter), { ...PLAIN, padding: [1, 1, 1, 1] }),
    [
      [3, 12, 11, 45],
      [3, 3, 45, 21],
    ],
  ],
};

const CASES: Record<string, [Operation, Shapes]> = {
  ...Object.fromEntries(
    CONVOLUTIONS.map(({ name, x, kernel: [kh, kw, filters], geometry, groups = 1 }) => {
      const operation: Operation = (a, b) => conv2d(as4D(a), as4D(b), { ...PLAIN, ...geometry }, groups);
      return [`conv2d ${name}`, [operation, [x, [kh, kw, x[3] / groups, filters]]]];
    }),
  ),
  ...Object.fromEntries(
    DEPTHWISE.map(({ name, x, kernel: [kh, kw, multiplier], geometry }) => {
      const operation: Operation = (a, b) => depthwiseConv2d(as4D(a), as4D(b), { ...PLAIN, ...geometry });
      return [`depthwiseConv2d ${name}`, [operation, [x, [kh, kw, x[3], multiplier]]]];
    }),
  ),
  ...Object.fromEntries(
    (['none', 'relu', 'relu6'] as const).map((activation) => [
      `batch norm, ${activation}`,
      [norm(activation), [[3, 5, 7, 6], [6], [6]]],
    ]),
  ),
  ...OPERATIONS,
  ...LARGE,
};

const references = new Map<string, Outcome>();

beforeAll(async () => {
  expect(tf.getKernel(CONV2D.forward, 'cpu')).toBeUndefined();
  for (const [name, [operation, shapes]] of Object.entries(CASES)) {
    references.set(name, await evaluate('cpu', operation, shapes));
  }
  registerCpuTrainingKernels();
}, 120_000);

describe('on the cpu backend our kernels', () => {
  it.each(Object.entries(CASES))('agree with tfjs’s: %s', async (name, [operation, shapes]) => {
    const reference = references.get(name);
    const actual = await evaluate('cpu', operation, shapes);
    // Both round sums of doubles or floats to float32 once; tfjs's batch norm is a chain of float32 operations.
    expect(relativeDifference(actual.value, reference?.value ?? new Float32Array())).toBeLessThan(1e-5);
    for (const [index, gradient] of reference?.gradients.entries() ?? []) {
      expect(relativeDifference(actual.gradients[index], gradient), `gradient ${index}`).toBeLessThan(1e-5);
    }
    // The same bits every time.
    expect(await evaluate('cpu', operation, shapes)).toEqual(actual);
  });
});
