// Gradient accumulation: a batch in parts against the batch at once.

import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Batch } from '$lib/engines/contract';
import type { TfjsEngine } from '$lib/engines/tfjs/engine';
import { partsOf } from '$lib/engines/tfjs/parts';
import { nodeEngine } from '../../contract/node-engine';
import { compile, differences, fixedBatch } from '../../contract/training';
import { furthest, small, stepKinds } from './step-support';

let engine: TfjsEngine;
beforeAll(async () => {
  engine = await nodeEngine('wasm');
});

const SGD = { optimizer: { name: 'sgd', momentum: 0.9, nesterov: false, weightDecay: 0.01 } } as const;

/** Images `from`..`to` of a batch. */
function slice({ images, shape, targets }: Batch, from: number, to: number): Batch {
  const [count, height, width, channels] = shape;
  const [size, length] = [images.length / count, targets.values.length / count];
  return {
    images: images.slice(from * size, to * size),
    shape: [to - from, height, width, channels],
    targets: { values: targets.values.slice(from * length, to * length), shape: [to - from, length] },
  };
}

test('parts are consecutive, as equal as can be, and together the batch', () => {
  const batch = fixedBatch(small(), 11);
  const parts = partsOf(batch, 4);
  expect(parts.map((part) => part.batch.shape[0])).toEqual([3, 3, 3, 2]);
  expect(parts.map(({ share }) => share)).toEqual([3 / 11, 3 / 11, 3 / 11, 2 / 11]);
  expect(parts[1].batch).toEqual(slice(batch, 3, 6));
  expect(parts.flatMap((part) => [...part.batch.targets.values])).toEqual([...batch.targets.values]);
  expect(parts.flatMap((part) => [...part.batch.images])).toEqual([...batch.images]);
  expect(partsOf(batch, 20).map((part) => part.batch.shape[0])).toEqual(new Array(11).fill(1));
});

describe.each(stepKinds(() => engine))('with parameters on the %s', (_, make) => {
  test.each([2, 3, 7])('%i parts without batch norm give what the whole batch gives', async (accumulate) => {
    const graph = small(0, false);
    const [whole, parts] = [make(graph, { ...SGD, clipNorm: 0.5 }), make(graph, { ...SGD, clipNorm: 0.5, accumulate })];
    for (let index = 0; index < 5; index++) {
      const batch = fixedBatch(graph, 7, index);
      const [one, other] = [whole.run(batch, 0.1), parts.run(batch, 0.1)];
      // The same sums of float32 numbers in another order: a few units in the seventh digit.
      expect(await other.loss.read()).toBeCloseTo(await one.loss.read(), 5);
    }
    expect(furthest(await whole.state(), await parts.state())).toBeLessThan(1e-6);
    for (const step of [whole, parts]) step.dispose();
  });

  test('the weights move once', async () => {
    const graph = small(0, false);
    const step = make(graph, { ...SGD, accumulate: 4 });
    step.run(fixedBatch(graph, 8), 0.1).loss.dispose();
    expect((await step.state()).step).toBe(1);
    step.dispose();
  });

  test('running statistics see part after part, as PyTorch’s do', async () => {
    const graph = small();
    const batch = fixedBatch(graph, 7);
    const [inParts, oneByOne] = [make(graph, { ...SGD, accumulate: 2 }), make(graph, SGD)];
    inParts.run(batch, 0.1).loss.dispose();
    // A rate of 0 moves nothing but the statistics.
    for (const [from, to] of [[0, 4], [4, 7]]) oneByOne.run(slice(batch, from, to), 0).loss.dispose(); // prettier-ignore
    const [a, b] = [await inParts.state(), await oneByOne.state()];
    for (const name of ['bn.running_mean', 'bn.running_var']) {
      expect(a.parameters.get(name), name).toEqual(b.parameters.get(name));
    }
    for (const step of [inParts, oneByOne]) step.dispose();
  });

  test('parts drop other values, and the same ones when they are computed again', async () => {
    const graph = small(0.5, false);
    const image = slice(fixedBatch(graph, 1), 0, 1);
    const twice: Batch = {
      images: Uint8Array.from([...image.images, ...image.images]),
      shape: [2, 6, 6, 3],
      targets: { values: Float32Array.from([...image.targets.values, ...image.targets.values]), shape: [2, 3] },
    };
    const loss = async (batch: Batch, accumulate: number): Promise<number> => {
      const step = make(graph, { accumulate });
      const value = await step.run(batch, 0).loss.read();
      step.dispose();
      return value;
    };
    const first = await loss(image, 1);
    const both = await loss(twice, 2);
    // Of the same image, so that both parts would lose the same if they dropped the same.
    expect(Math.abs(both - first)).toBeGreaterThan(1e-3);
    expect(await loss(twice, 2)).toBe(both);
  });

  test('a part’s tensors go before the next part’s come', async () => {
    const graph = small(0, false);
    const peak = async (count: number, accumulate: number): Promise<number> => {
      const step = make(graph, { ...SGD, accumulate });
      step.run(fixedBatch(graph, count), 0.1).loss.dispose();
      const { peakBytes } = await tf.profile(() => {
        step.run(fixedBatch(graph, count), 0.1).loss.dispose();
        return [];
      });
      step.dispose();
      return peakBytes;
    };
    // Parameters and gathered gradients come on top: some kilobytes beside 40 of activations.
    expect(await peak(32, 8)).toBeLessThan((await peak(4, 1)) * 1.3);
    expect(await peak(32, 1)).toBeGreaterThan((await peak(4, 1)) * 4);
  });

  test('nothing is left of a part that threw', async () => {
    const graph = small(0, false);
    const before = tf.memory().numTensors;
    let calls = 0;
    const [step, other] = [
      make(graph, { ...SGD, accumulate: 2, loss: (output, targets) => {
        if (++calls === 2) throw new Error('no second part');
        return tf.mean(tf.squaredDifference(output, targets));
      } }),
      make(graph, { ...SGD, accumulate: 2, loss: (output, targets) => tf.mean(tf.squaredDifference(output, targets)) }),
    ]; // prettier-ignore
    const start = await step.state();
    expect(() => step.run(fixedBatch(graph, 4), 0.1)).toThrow('no second part');
    expect(differences(await step.state(), start)).toEqual([]);
    for (const one of [step, other]) one.run(fixedBatch(graph, 4), 0.1).loss.dispose();
    expect(differences(await step.state(), await other.state())).toEqual([]);
    for (const one of [step, other]) one.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

test('more parts than images are as many as there are', async () => {
  const graph = small(0, false);
  const [three, nine] = [compile(engine, graph, { accumulate: 3 }), compile(engine, graph, { accumulate: 9 })];
  for (const step of [three, nine]) step.run(fixedBatch(graph, 3), 0.1).loss.dispose();
  expect(differences(await three.state(), await nine.state())).toEqual([]);
  for (const step of [three, nine]) step.dispose();
});
