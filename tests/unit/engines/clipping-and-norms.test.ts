// Clipping by value and by norm, and the norms that a step tells.

import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import type { StepSpecification } from '$lib/engines/contract';
import type { TfjsEngine } from '$lib/engines/tfjs/engine';
import { nodeEngine } from '../../contract/node-engine';
import { differences, fixedBatch } from '../../contract/training';
import { small, stepKinds } from './step-support';

let engine: TfjsEngine;
beforeAll(async () => {
  engine = await nodeEngine('wasm');
});

const SGD = { name: 'sgd', momentum: 0, nesterov: false, weightDecay: 0 } as const;
const NAMES = ['conv.weight', 'bn.weight', 'bn.bias', 'fc.weight', 'fc.bias'];
const euclidean = (values: Iterable<number>): number => Math.hypot(...values);

describe.each(stepKinds(() => engine))('with parameters on the %s', (_, make) => {
  /** With a rate of 1 and plain SGD the update is the gradient. */
  async function gradientsOf(changes: Partial<StepSpecification>): Promise<Map<string, number[]>> {
    const graph = small();
    const step = make(graph, { optimizer: SGD, ...changes });
    const before = await step.state();
    step.run(fixedBatch(graph, 4), 1).loss.dispose();
    const after = await step.state();
    step.dispose();
    const moved = (name: string): number[] =>
      Array.from(before.parameters.get(name) ?? [], (value, at) => value - (after.parameters.get(name)?.[at] ?? NaN));
    return new Map(NAMES.map((name) => [name, moved(name)]));
  }

  test('values beyond the limit are cut off, the others stay', async () => {
    const [free, cut] = [await gradientsOf({}), await gradientsOf({ clipValue: 0.02 })];
    let beyond = 0;
    for (const [name, values] of free) {
      for (const [at, value] of values.entries()) {
        if (Math.abs(value) > 0.02) beyond++;
        // Differences of float32 weights.
        expect(cut.get(name)?.[at]).toBeCloseTo(Math.max(-0.02, Math.min(0.02, value)), 6);
      }
    }
    expect(beyond).toBeGreaterThan(10);
    expect(beyond).toBeLessThan(200);
  });

  test('the norm is taken after cutting off, over all parameters', async () => {
    const cut = await gradientsOf({ clipValue: 0.02 });
    const both = await gradientsOf({ clipValue: 0.02, clipNorm: 0.1 });
    const norm = euclidean([...cut.values()].flat());
    expect(norm).toBeGreaterThan(0.12);
    for (const [name, values] of cut) {
      for (const [at, value] of values.entries()) expect(both.get(name)?.[at]).toBeCloseTo((value * 0.1) / norm, 6);
    }
  });

  test('gradients of parts are clipped together', async () => {
    const changes = { clipValue: 0.02, clipNorm: 0.1 };
    const graph = small(0, false);
    const [whole, parts] = [make(graph, { optimizer: SGD, ...changes }), make(graph, { optimizer: SGD, ...changes, accumulate: 3 })]; // prettier-ignore
    for (const step of [whole, parts]) step.run(fixedBatch(graph, 6), 1).loss.dispose();
    const [a, b] = [await whole.state(), await parts.state()];
    for (const [name, values] of a.parameters) {
      // Sums in another order; a value at the limit is the limit in both.
      values.forEach((value, at) => expect(b.parameters.get(name)?.[at]).toBeCloseTo(value, 5));
    }
    for (const step of [whole, parts]) step.dispose();
  });

  test.each([1, 2])('norms are those before clipping, and of the step itself: %i part(s)', async (accumulate) => {
    const graph = small(0, false);
    const names = NAMES.filter((name) => !name.startsWith('bn'));
    const free = make(graph, { optimizer: SGD, accumulate });
    const step = make(graph, { optimizer: SGD, accumulate, clipNorm: 0.1, clipValue: 0.05 });
    const before = await free.state();
    const batch = fixedBatch(graph, 4);
    free.run(batch, 1).loss.dispose();
    const { loss, norms } = step.run(batch, 0.5, { norms: 'all' });
    loss.dispose();
    const { gradient, weight, update } = (await norms?.read()) ?? { gradient: [] };
    expect(norms?.names).toEqual(names);
    const [unclipped, after] = [await free.state(), await step.state()];
    for (const [index, name] of names.entries()) {
      const start = before.parameters.get(name) ?? new Float32Array();
      const distance = (end: typeof after): number =>
        euclidean(start.map((value, at) => value - (end.parameters.get(name)?.[at] ?? NaN)));
      // Differences of float32 weights against norms of the gradients themselves.
      expect(gradient[index], name).toBeCloseTo(distance(unclipped), 5);
      expect(weight?.[index], name).toBeCloseTo(euclidean(start), 5);
      expect(update?.[index], name).toBeCloseTo(distance(after), 5);
    }
    for (const one of [free, step]) one.dispose();
  });

  test('norms are told when asked for, of what moves, and change nothing', async () => {
    const graph = small(0.3);
    const frozen = new Set(['conv.weight']);
    const [plain, telling] = [make(graph, { frozen }), make(graph, { frozen })];
    for (const one of [plain, telling]) one.run(fixedBatch(graph, 4), 0.01).loss.dispose();
    const tensors = tf.memory().numTensors;
    for (let index = 0; index < 3; index++) {
      const batch = fixedBatch(graph, 4, index);
      const [without, some] = [plain.run(batch, 0.01), telling.run(batch, 0.01, { norms: 'gradient' })];
      expect(without.norms).toBeNull();
      expect(some.norms?.names).toEqual(NAMES.slice(1));
      if (index === 0) some.norms?.dispose();
      else expect(Object.keys((await some.norms?.read()) ?? {})).toEqual(['gradient']);
      for (const { loss } of [without, some]) loss.dispose();
    }
    expect(differences(await plain.state(), await telling.state())).toEqual([]);
    expect(tf.memory().numTensors).toBe(tensors);
    for (const one of [plain, telling]) one.dispose();
  });
});
