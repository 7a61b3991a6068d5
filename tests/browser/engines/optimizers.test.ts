// The update rules on WebGPU against torch.optim. The processor's are in tests/unit/engines.

import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { createBrowserEngine } from '$lib/engines/tfjs/browser';
import { DeviceStore } from '$lib/engines/tfjs/device-store';
import { SquareSums } from '$lib/engines/tfjs/webgpu-square-sums';
import golden from '../../fixtures/golden/optimizers.json';
import {
  asTensors,
  flatten,
  follow,
  largestDifference,
  making,
  take,
  TOLERANCE,
} from '../../unit/engines/optimizer-cases';
import type { Golden } from '../../unit/engines/optimizer-cases';

// JSON has arrays where the shape says pairs.
const reference = golden as unknown as Golden;
const make = making(DeviceStore, reference.initial);

beforeAll(async () => {
  await createBrowserEngine('webgpu');
});

describe('on WebGPU', () => {
  test.each(Object.keys(reference.expected))('twelve steps follow torch.optim: %s', async (name) => {
    const [first, twelfth] = await follow(make, reference, name);
    expect(first).toBeLessThan(TOLERANCE);
    expect(twelfth).toBeLessThan(TOLERANCE);
  });

  test('a gradient is clipped by its global norm as torch does', async () => {
    const { gradient, clipped } = reference.clip_grad_norm_1;
    const store = make({ optimizer: { name: 'sgd', momentum: 0, nesterov: false, weightDecay: 0 }, clipNorm: 1 });
    take(store, new Map([['w', Float32Array.from(gradient.flat())]]), 1);
    const { parameters } = await store.read();
    const moved = Float32Array.from(reference.initial.w.flat(), (value, at) => value - clipped.flat()[at]);
    expect(largestDifference(parameters, new Map([['w', moved]]))).toBeLessThan(1e-6);
    store.dispose();
  });

  test('norms of gradients, weights and updates are those of the numbers', async () => {
    const optimizer = { name: 'sgd', momentum: 0, nesterov: false, weightDecay: 0 } as const;
    const store = make({ optimizer });
    const gradients = asTensors(flatten(reference.gradients[0]));
    const norms = await store.update(gradients, 0.5, { norms: 'all' })?.read();
    const of = (values: number[]): number => Math.hypot(...values);
    const wanted = [reference.gradients[0], reference.initial].map(({ w, b }) => [of(w.flat()), of(b)]);
    // float32 sums of a dozen numbers.
    for (const index of [0, 1]) {
      expect(norms?.gradient[index]).toBeCloseTo(wanted[0][index], 5);
      expect(norms?.weight?.[index]).toBeCloseTo(wanted[1][index], 5);
      expect(norms?.update?.[index]).toBeCloseTo(wanted[0][index] / 2, 5);
    }
    for (const tensor of gradients.values()) tensor.dispose();
    store.dispose();
  });

  test('sums of squares of stretches shorter and longer than a work group takes', async () => {
    const stretches = [40_000, 1, 16_384, 300, 43_315].map((size, at, all) => ({
      begin: all.slice(0, at).reduce((sum, one) => sum + one, 0),
      size,
    }));
    const values = Float32Array.from({ length: 100_000 }, (_, at) => Math.sin(at) + (at % 7));
    const sums = SquareSums.for(stretches);
    const found = tf.tidy(() => sums?.of(tf.tensor1d(values)) ?? tf.zeros([0]));
    const read = await found.data();
    for (const [index, { begin, size }] of stretches.entries()) {
      const exact = values.subarray(begin, begin + size).reduce((sum, value) => sum + value * value, 0);
      // float32 sums of some hundreds of numbers each.
      expect(Math.abs(read[index] / exact - 1)).toBeLessThan(1e-5);
    }
    found.dispose();
    sums?.dispose();
  });
});
