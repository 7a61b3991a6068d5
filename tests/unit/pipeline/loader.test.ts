// Batches, their order and their making in one thread, with images that are raw pixels in a Blob; see tests/browser for real ones.
import { describe, expect, test } from 'vitest';
import { TrainyardError } from '$lib/core/errors';
import type { AugmentSettings } from '$lib/pipeline/augment-plan';
import { createBudget } from '$lib/pipeline/budget';
import type { LoadedBatch, PixelImage } from '$lib/pipeline/contract';
import { createLoader, type LoaderOptions } from '$lib/pipeline/loader';
import { batchRange, epochOrder, stepsPerEpoch } from '$lib/pipeline/order';
import { inlinePool, type DecodePool } from '$lib/pipeline/pool';
import { NO_AUGMENTATION } from '../../support/augmentation';

/** Decodes "width height seed" and counts; a pool of several services stands for a pool of several threads. */
function rawPool(threads = 1) {
  const counts = { decodes: 0, reads: 0 };
  async function decode(file: Blob): Promise<PixelImage> {
    counts.decodes++;
    const text = await file.text();
    if (text === 'broken') throw new TrainyardError('unreadable-image', 'The image could not be read: it is broken.');
    const [width, height, seed] = text.split(' ').map(Number);
    const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7 + seed * 31) % 256);
    return { width, height, data };
  }
  const parts = {
    decoder: { decode, inspect: () => Promise.reject(new Error('not used')) },
    readBlobs: async (hashes: readonly string[]) => {
      counts.reads += hashes.length;
      return hashes.map((hash) => new Blob([hash]));
    },
  };
  const pools = Array.from({ length: threads }, () => inlinePool(parts));
  const pool: DecodePool = { ...pools[0], size: threads, thread: (index) => pools[index].thread(0) };
  return { pool, counts };
}

const preprocess = { imageSize: [8, 8], resize: 'stretch', interpolation: 'bilinear' } as const;
const augment: AugmentSettings = {
  ...NO_AUGMENTATION,
  horizontal_flip: 0.5,
  vertical_flip: 0,
  shift: 2,
  rotation: 10,
  random_resized_crop: { enabled: false, scale: [0.5, 1], ratio: [0.75, 1.33] },
  color_jitter: { brightness: 0.2, contrast: 0, saturation: 0, hue: 0 },
};
const items = Array.from({ length: 23 }, (_, i) => ({ blob: `${9 + (i % 3)} 10 ${i}`, path: `image-${i}.png` }));

async function collect(
  epoch: number,
  { from, shuffle, ...options }: Partial<LoaderOptions> & { from?: number; shuffle?: boolean } = {},
): Promise<LoadedBatch[]> {
  const base = { pool: rawPool().pool, items, preprocess, augment, seed: 11, batchSize: 5 };
  const loader = await createLoader({ ...base, ...options });
  const batches: LoadedBatch[] = [];
  for await (const batch of loader.epoch(epoch, { from, shuffle })) batches.push(batch);
  await loader.dispose();
  return batches;
}

describe('the order', () => {
  test('an epoch holds every item once, in an order of its own', () => {
    const orders = [0, 1].map((epoch) => [...epochOrder(100, 7, epoch, true)]);
    for (const order of orders) expect(order.toSorted((a, b) => a - b)).toEqual([...Array(100).keys()]);
    expect(orders[0]).not.toEqual(orders[1]);
    expect([...epochOrder(100, 7, 0, true)]).toEqual(orders[0]);
    expect([...epochOrder(100, 8, 0, true)]).not.toEqual(orders[0]);
    expect([...epochOrder(4, 7, 0, false)]).toEqual([0, 1, 2, 3]);
  });

  test.each([
    [10, 5, 2, [5, 5]],
    [11, 5, 2, [5, 6]],
    [12, 5, 2, [5, 5, 2]],
    [11, 5, 1, [5, 5, 1]],
    [1, 5, 2, [1]],
    [3, 5, 2, [3]],
    [0, 5, 2, []],
    [3, 1, 1, [1, 1, 1]],
  ])('%i items in batches of %i, at least %i: %o', (count, size, minimum, expected) => {
    const steps = stepsPerEpoch(count, size, minimum);
    const ranges = Array.from({ length: steps }, (_, step) => batchRange(step, count, size, minimum));
    expect(ranges.map(([start, end]) => end - start)).toEqual(expected);
    expect(ranges.flatMap(([start, end]) => [...Array(end - start).keys()].map((i) => start + i))).toEqual([
      ...Array(count).keys(),
    ]);
  });
});

describe('the loader', () => {
  test('gives batches of the stated shape, each item once', async () => {
    const batches = await collect(0, { items: items.slice(0, 21) });
    expect(batches.map(({ shape }) => shape)).toEqual([5, 5, 5, 6].map((n) => [n, 8, 8, 3]));
    for (const { images, shape } of batches) expect(images).toHaveLength(shape[0] * 8 * 8 * 3);
    expect(batches.flatMap(({ indices }) => indices).toSorted((a, b) => a - b)).toEqual([...Array(21).keys()]);
  });

  test.each([2, 3, 4])('%i threads make the same batches as one', async (threads) => {
    expect(await collect(4, { pool: rawPool(threads).pool })).toEqual(await collect(4));
  });

  test('the cache, whatever it holds, changes nothing', async () => {
    const plain = await collect(1, { cacheBytes: 0 });
    const { pool, counts } = rawPool(2);
    const loader = await createLoader({
      pool,
      items,
      preprocess,
      augment,
      seed: 11,
      batchSize: 5,
      cacheBytes: 10 * 192,
    });
    const epochs: LoadedBatch[][] = [[], []];
    for (const epoch of [0, 1]) for await (const batch of loader.epoch(epoch)) epochs[epoch].push(batch);
    expect(epochs[1]).toEqual(plain);
    // Five of each thread's share fit.
    expect(counts.decodes).toBe(23 + 13);
  });

  test('a cache that holds everything decodes once', async () => {
    const { pool, counts } = rawPool();
    const loader = await createLoader({ pool, items, preprocess, augment, seed: 11, batchSize: 5 });
    for (const epoch of [0, 1, 2])
      for await (const batch of loader.epoch(epoch)) expect(batch.images.length).toBeGreaterThan(0);
    expect(counts).toEqual({ decodes: 23, reads: 23 });
  });

  test.each([0, 1, 3, 4, 5])('taken up at step %i it gives the same rest', async (from) => {
    const whole = await collect(2);
    expect(await collect(2, { from })).toEqual(whole.slice(from));
  });

  test('a random resized crop comes from an image kept larger than the net, cached or not', async () => {
    const crop = { ...augment, random_resized_crop: { ...augment.random_resized_crop, enabled: true } };
    const large = items.map((_, i) => ({ blob: `60 50 ${i}` }));
    const cached = await collect(0, { items: large, augment: crop });
    expect(await collect(0, { items: large, augment: crop, cacheBytes: 0 })).toEqual(cached);
    expect(cached[0].shape).toEqual([5, 8, 8, 3]);
  });

  test('without augmentation epochs are alike and in the order of the items', async () => {
    const first = await collect(0, { augment: null });
    expect(first.flatMap(({ indices }) => indices)).toEqual([...Array(23).keys()]);
    expect(await collect(1, { augment: null })).toEqual(first);
    const shuffled = await collect(0, { augment: null, shuffle: true });
    expect(shuffled.flatMap(({ indices }) => indices)).toEqual([...epochOrder(23, 11, 0, true)]);
  });

  test('epochs are augmented differently', async () => {
    const [first, second] = await Promise.all([0, 1].map((epoch) => collect(epoch, { shuffle: false })));
    expect(first[0].indices).toEqual(second[0].indices);
    expect(first[0].images).not.toEqual(second[0].images);
  });

  test('an image that comes again in an epoch is changed in another way each time, wherever the epoch is taken up', async () => {
    const order = Uint32Array.from({ length: 23 }, (_, i) => [4, 4, 9, 4, 2][i % 5]);
    const samples = async (threads: number, from = 0) => {
      const { pool } = rawPool(threads);
      const loader = await createLoader({ pool, items, preprocess, augment, seed: 11, batchSize: 5 });
      const made: string[] = [];
      for await (const { images, indices } of loader.epoch(2, { order, from }))
        indices.forEach((_, i) => made.push(images.subarray(i * 192, (i + 1) * 192).join()));
      await loader.dispose();
      return made;
    };
    const whole = await samples(1);
    expect(whole).toHaveLength(23);
    expect(new Set(whole).size).toBe(23);
    expect(await samples(3)).toEqual(whole);
    expect(await samples(1, 2)).toEqual(whole.slice(10));
    // The first time it is what it is in an epoch without repeats.
    const plain = (await collect(2, { shuffle: false }))[0].images;
    expect(whole[0]).toBe(plain.subarray(4 * 192, 5 * 192).join());
  });

  test('an image that cannot be read stops the epoch and is named', async () => {
    const broken = items.map((item, i) => (i === 17 ? { blob: 'broken', path: 'cats/17.png' } : item));
    await expect(collect(0, { items: broken })).rejects.toMatchObject({
      code: 'unreadable-image',
      message: '"cats/17.png": The image could not be read: it is broken.',
    });
  });

  test('prefetches a few batches and no more, and stops when the loop is left', async () => {
    const { pool, counts } = rawPool();
    const loader = await createLoader({ pool, items, preprocess, augment, seed: 11, batchSize: 5, prefetch: 2 });
    const epoch = loader.epoch(0);
    await epoch.next();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(counts.decodes).toBe(10);
    await epoch.return();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(counts.decodes).toBe(10);
  });

  test('closed during an epoch it says so', async () => {
    const { pool } = rawPool();
    const loader = await createLoader({ pool, items, preprocess, augment, seed: 11, batchSize: 5, prefetch: 1 });
    const epoch = loader.epoch(0);
    await epoch.next();
    await loader.dispose();
    await expect(epoch.next()).rejects.toMatchObject({ code: 'loader-closed' });
  });
});

test('a budget admits what fits, first come first served, and the oversized alone', async () => {
  const budget = createBudget(10);
  const log: string[] = [];
  const giveA = await budget.take(6);
  const b = budget.take(6).then((give) => (log.push('b'), give));
  const c = budget.take(1).then((give) => (log.push('c'), give));
  const d = budget.take(50).then((give) => (log.push('d'), give));
  await Promise.resolve();
  expect(log).toEqual([]);
  giveA();
  const [giveB, giveC] = await Promise.all([b, c]);
  expect(log).toEqual(['b', 'c']);
  giveB();
  await Promise.resolve();
  expect(log).toEqual(['b', 'c']);
  giveC();
  (await d)();
  expect(log).toEqual(['b', 'c', 'd']);
});
