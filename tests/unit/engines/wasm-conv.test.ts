// Convolutions on wasm against the same operation composed of tfjs's public ops on its cpu backend.

import * as tf from '@tensorflow/tfjs-core';
import { describe, it } from 'vitest';
import { conv2d, depthwiseConv2d } from '$lib/engines/tfjs/wasm';
import { CONVOLUTIONS, DEPTHWISE, PLAIN } from './convolution-cases';
import { expectAgreement } from './wasm-support';

function is4D(tensor: tf.Tensor): tensor is tf.Tensor4D {
  return tensor.rank === 4;
}

function as4D(tensor: tf.Tensor): tf.Tensor4D {
  if (!is4D(tensor)) throw new Error(`rank ${tensor.rank}`);
  return tensor;
}

describe('conv2d', () => {
  for (const { name, x, kernel, geometry, groups = 1 } of CONVOLUTIONS) {
    it(`agrees with the cpu backend: ${name}`, async () => {
      const filter = [kernel[0], kernel[1], x[3] / groups, kernel[2]];
      await expectAgreement((a, b) => conv2d(as4D(a), as4D(b), { ...PLAIN, ...geometry }, groups), [x, filter]);
    });
  }
});

describe('depthwiseConv2d', () => {
  for (const { name, x, kernel, geometry } of DEPTHWISE) {
    it(`agrees with the cpu backend: ${name}`, async () => {
      const filter = [kernel[0], kernel[1], x[3], kernel[2]];
      await expectAgreement((a, b) => depthwiseConv2d(as4D(a), as4D(b), { ...PLAIN, ...geometry }), [x, filter]);
    });
  }
});

describe("tfjs's own convolutions", () => {
  it.each([
    [1, 'same'],
    [2, 'same'],
    [1, 'valid'],
    [2, 'valid'],
  ] as const)('have gradients on wasm: conv2d with stride %i, padding %s', async (stride, padding) => {
    const shapes = [
      [2, 7, 8, 5],
      [3, 3, 5, 6],
    ];
    await expectAgreement((x, filter) => tf.conv2d(as4D(x), as4D(filter), stride, padding), shapes);
  });

  it.each([1, 2])('have gradients on wasm: depthwiseConv2d with stride %i', async (stride) => {
    const shapes = [
      [2, 7, 8, 5],
      [3, 3, 5, 2],
    ];
    await expectAgreement((x, filter) => tf.depthwiseConv2d(as4D(x), as4D(filter), stride, 'same'), shapes);
  });

  it('have gradients on wasm: conv2dTranspose', async () => {
    const shapes = [
      [2, 4, 5, 6],
      [3, 3, 7, 6],
    ];
    await expectAgreement((x, filter) => tf.conv2dTranspose(as4D(x), as4D(filter), [2, 8, 10, 7], 2, 'same'), shapes);
  });
});
