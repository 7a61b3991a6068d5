// Both forms of the update rules against torch.optim.

import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { DeviceStore } from '$lib/engines/tfjs/device-store';
import { HostStore } from '$lib/engines/tfjs/host-store';
import { nodeEngine } from '../../contract/node-engine';
import { readGolden } from '../../golden';
import { flatten, follow, largestDifference, making, take, TOLERANCE } from './optimizer-cases';
import type { Golden, Make } from './optimizer-cases';

const golden = readGolden<Golden>('optimizers.json');

const stores: [string, Make][] = [
  ['host', making(HostStore, golden.initial)],
  ['device', making(DeviceStore, golden.initial)],
];

beforeAll(async () => {
  await nodeEngine('cpu');
});

test('the reference has the ten cases', () => {
  expect(Object.keys(golden.expected)).toEqual(['sgd', 'sgd_momentum', 'sgd_nesterov_wd', 'adam', 'adam_l2', 'adam_amsgrad', 'adamw', 'adamw_betas', 'rmsprop', 'rmsprop_momentum']); // prettier-ignore
});

describe.each(stores)('the %s rules', (_, make) => {
  test.each(Object.keys(golden.expected))('follow torch.optim for twelve steps: %s', async (name) => {
    const [first, twelfth] = await follow(make, golden, name);
    expect(first).toBeLessThan(TOLERANCE);
    expect(twelfth).toBeLessThan(TOLERANCE);
  });

  // The reference's second moments only grow, so that its AMSGrad is its Adam: here a large gradient is followed by small ones.
  test.each(['adam', 'adamw'] as const)('divide by the largest second moment: %s with AMSGrad', async (name) => {
    const [beta1, beta2, rate] = [0.9, 0.5, 0.01];
    const store = make({ optimizer: { name, betas: [beta1, beta2], epsilon: 1e-8, weightDecay: 0, amsgrad: true } });
    let [value, first, second, largest] = [golden.initial.b[0], 0, 0, 0];
    for (const [index, gradient] of [5, 0.1, 0.2, -0.1].entries()) {
      take(store, new Map([['b', Float32Array.from([gradient, 0, 0])]]), rate);
      first = beta1 * first + (1 - beta1) * gradient;
      second = beta2 * second + (1 - beta2) * gradient ** 2;
      largest = Math.max(largest, second);
      const spread = Math.sqrt(largest) / Math.sqrt(1 - beta2 ** (index + 1)) + 1e-8;
      value -= ((rate / (1 - beta1 ** (index + 1))) * first) / spread;
      const { parameters } = await store.read();
      expect(parameters.get('b')?.[0]).toBeCloseTo(value, 5);
    }
    store.dispose();
  });

  test('clip the gradient by its global norm as torch does', async () => {
    const { gradient, clipped } = golden.clip_grad_norm_1;
    const store = make({ optimizer: { name: 'sgd', momentum: 0, nesterov: false, weightDecay: 0 }, clipNorm: 1 });
    take(store, new Map([['w', Float32Array.from(gradient.flat())]]), 1);
    const { parameters } = await store.read();
    const moved = Float32Array.from(golden.initial.w.flat(), (value, at) => value - clipped.flat()[at]);
    expect(largestDifference(parameters, new Map([['w', moved]]))).toBeLessThan(1e-6);
    store.dispose();
  });

  test('leave a gradient within the norm alone', async () => {
    const optimizer = { name: 'sgd', momentum: 0, nesterov: false, weightDecay: 0 } as const;
    const [plain, clipping] = [make({ optimizer }), make({ optimizer, clipNorm: 100 })];
    for (const store of [plain, clipping]) take(store, flatten(golden.gradients[0]), 0.1);
    expect((await clipping.read()).parameters).toEqual((await plain.read()).parameters);
    for (const store of [plain, clipping]) store.dispose();
  });

  test('decay weights alone unless told to decay all', async () => {
    const optimizer = { name: 'adamw', betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.5 } as const;
    const nothing = new Map([
      ['w', new Float32Array(12)],
      ['b', new Float32Array(3)],
    ]);
    const start = flatten(golden.initial);
    for (const decayAll of [false, true]) {
      const store = make({ optimizer, decayAll });
      take(store, nothing, 0.1);
      const { parameters } = await store.read();
      const shrunk = (name: string) => new Map([[name, (start.get(name) ?? new Float32Array()).map((value) => value * 0.95)]]); // prettier-ignore
      expect(largestDifference(parameters, shrunk('w'))).toBeLessThan(1e-6);
      expect(largestDifference(parameters, decayAll ? shrunk('b') : start) < 1e-6).toBe(decayAll);
      if (!decayAll) expect(parameters.get('b')).toEqual(start.get('b'));
      store.dispose();
    }
  });

  // PyTorch multiplies the whole update of a parameter group, AdamW's decay included, by the group's own rate.
  test.each([
    { name: 'adamw', betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.3 },
    { name: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 0.3 },
  ] as const)('move a parameter with a factor as a run at that rate would: $name', async (optimizer) => {
    const factored = make({ optimizer, rateScale: new Map([['w', 0.25]]) });
    const [whole, quarter] = [make({ optimizer }), make({ optimizer })];
    for (const gradients of golden.gradients) {
      take(factored, flatten(gradients), 0.08);
      take(whole, flatten(gradients), 0.08);
      take(quarter, flatten(gradients), 0.02);
    }
    const { parameters } = await factored.read();
    const expected = [(await quarter.read()).parameters.get('w'), (await whole.read()).parameters.get('b')];
    const [w = new Float32Array(), b = new Float32Array()] = expected;
    const wanted = new Map([['w', w], ['b', b]]); // prettier-ignore
    expect(largestDifference(parameters, wanted)).toBeLessThan(1e-6);
    expect(largestDifference(parameters, (await whole.read()).parameters)).toBeGreaterThan(0.01);
    for (const store of [factored, whole, quarter]) store.dispose();
  });

  test('let a parameter that moves later begin as a fresh one does', async () => {
    const optimizer = { name: 'adamw', betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.1 } as const;
    const before = make({ optimizer, frozen: new Set(['w']) });
    for (const gradients of golden.gradients.slice(0, 4)) take(before, flatten(gradients), 0.01);
    const after = make({ optimizer, movesFrom: new Map([['w', 4]]) });
    after.write(await before.read());
    const [fresh, always] = [make({ optimizer }), make({ optimizer })];
    for (const gradients of golden.gradients.slice(0, 4)) take(always, flatten(gradients), 0.01);
    for (const gradients of golden.gradients.slice(4)) {
      for (const store of [after, fresh, always]) take(store, flatten(gradients), 0.01);
    }
    const { parameters } = await after.read();
    const w = (await fresh.read()).parameters.get('w') ?? new Float32Array();
    const b = (await always.read()).parameters.get('b') ?? new Float32Array();
    // 0.999^t in float32 on the device, in double precision on the host.
    expect(largestDifference(parameters, new Map([['w', w], ['b', b]]))).toBeLessThan(1e-5); // prettier-ignore
    for (const store of [before, after, fresh, always]) store.dispose();
  });

  test('go on with the same bits from a state that was read', async () => {
    const optimizer = { name: 'adamw', betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.1 } as const;
    const [first, second] = [make({ optimizer }), make({ optimizer })];
    for (const gradients of golden.gradients.slice(0, 5)) take(first, flatten(gradients), 0.01);
    second.write(await first.read());
    for (const store of [first, second]) {
      for (const gradients of golden.gradients.slice(5)) take(store, flatten(gradients), 0.01);
    }
    expect(await second.read()).toEqual(await first.read());
    for (const store of [first, second]) store.dispose();
  });
});

test('a store frees all of its tensors', async () => {
  const before = tf.memory().numTensors;
  for (const [, make] of stores) {
    const store = make({
      optimizer: { name: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 0.1 },
      decayAll: false,
    });
    store.tensors();
    take(store, flatten(golden.gradients[0]), 0.1);
    store.tensors();
    await store.read();
    store.dispose();
  }
  expect(tf.memory().numTensors).toBe(before);
});
