// The decode pool with real workers and the real database: same batches for any number of threads, and clear ends of failures.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { mulberry32 } from '$lib/core/random';
import type { AugmentSettings } from '$lib/pipeline/augment-plan';
import type { LoadedBatch } from '$lib/pipeline/contract';
import { createDecoder } from '$lib/pipeline/decode';
import { createLoader } from '$lib/pipeline/loader';
import { createPool, inlinePool, type DecodePool, type PoolOptions } from '$lib/pipeline/pool';
import { createPreviewer } from '$lib/pipeline/preview';
import { deleteOrphanBlobs, getBlobs, putBlobs } from '$lib/storage/blobs';
import { openDatabase, type Database } from '$lib/storage/database';
import type { Item } from '$lib/storage/records';
import { spawnDecodeWorker } from '$workers/spawn-decode';
import { EVERY_AUGMENTATION } from '../../support/augmentation';
import { bmp, encode, paint } from './encoded';

const pools: DecodePool[] = [];
function open(options: Partial<PoolOptions> = {}): DecodePool {
  const pool = createPool({ spawn: spawnDecodeWorker, ...options });
  pools.push(pool);
  return pool;
}
afterEach(() => pools.splice(0).forEach((pool) => pool.dispose()));

/** A worker from source text, for failures that the real one does not have. */
function spawnText(source: string): () => Worker {
  return () => new Worker(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })), { type: 'module' });
}

const COUNT = 22;
const items = Array.from({ length: COUNT }, (_, i) => ({ blob: `pool-test-${i}`, path: `images/${i}.png` }));
let database: Database;

beforeAll(async () => {
  database = await openDatabase();
  const random = mulberry32(1);
  const records = items.map(async ({ blob }, i) => {
    const color = () => [random() * 256, random() * 256, random() * 256];
    const bytes = await encode(paint(40 + i, 30, color), i % 2 === 0 ? 'image/png' : 'image/jpeg');
    return { hash: blob, mime: 'image/png', bytes };
  });
  await putBlobs(database, await Promise.all(records));
});
afterAll(async () => {
  await deleteOrphanBlobs(
    database,
    items.map(({ blob }) => blob),
  );
  database.close();
});

const preprocess = { imageSize: [24, 24], resize: 'crop', interpolation: 'bilinear' } as const;
const augment: AugmentSettings = {
  ...EVERY_AUGMENTATION,
  policy: { name: 'randaugment', operations: 2, magnitude: 9 },
};

async function epoch(pool: DecodePool, from = 0, cacheBytes?: number): Promise<LoadedBatch[]> {
  const loader = await createLoader({ pool, items, preprocess, augment, seed: 5, batchSize: 6, cacheBytes });
  const batches: LoadedBatch[] = [];
  for await (const batch of loader.epoch(3, { from })) batches.push(batch);
  await loader.dispose();
  return batches;
}

describe('the loader over workers', () => {
  test('makes the same batches with one thread, with three, without a worker, and with no cache', async () => {
    const one = await epoch(open({ threads: 1 }));
    expect(one.map(({ shape }) => shape[0])).toEqual([6, 6, 6, 4]);
    expect(await epoch(open({ threads: 3 }))).toEqual(one);
    expect(await epoch(open({ threads: 3 }), 0, 0)).toEqual(one);
    const inline = inlinePool({ decoder: createDecoder(), readBlobs: (hashes) => getBlobs(database, hashes) });
    expect(await epoch(inline)).toEqual(one);
  });

  test('goes on in the middle of an epoch with the same batches', async () => {
    const whole = await epoch(open({ threads: 2 }));
    expect(await epoch(open({ threads: 3 }), 2)).toEqual(whole.slice(2));
  });

  test('reads blobs from its creator where that has them', async () => {
    const readBlobs = async (hashes: readonly string[]) => getBlobs(database, hashes);
    const whole = await epoch(open({ threads: 2 }));
    expect(await epoch(open({ threads: 2, readBlobs }))).toEqual(whole);
  });

  test('a blob that is gone is an error of the storage, from the worker or from the creator', async () => {
    const gone = [{ blob: 'no-such-blob' }];
    const readBlobs = async (hashes: readonly string[]) => getBlobs(database, hashes);
    for (const pool of [open({ threads: 1 }), open({ threads: 1, readBlobs })]) {
      const loader = await createLoader({ pool, items: gone, preprocess, augment, seed: 5, batchSize: 6 });
      await expect(loader.epoch(0).next()).rejects.toMatchObject({ code: 'blob-missing' });
    }
  });
});

test('a preview over workers is what the loader makes in the same epoch', async () => {
  const pool = open({ threads: 2 });
  const loader = await createLoader({ pool, items, preprocess, augment, seed: 5, batchSize: COUNT });
  const { value } = await loader.epoch(3, { shuffle: false }).next();
  const versionItems = items.map((item) => ({ ...item, split: 'train' })) as Item[]; // All that a preview reads.
  const previewer = createPreviewer({
    openPool: () => open({ threads: 2 }),
    itemsOf: () => Promise.resolve(versionItems),
  });
  const preview = await previewer.preview({
    versionId: 'version',
    paths: items.map(({ path }) => path),
    job: {
      preprocess: { image_size: 24, resize: 'crop', interpolation: 'bilinear', normalize: 'none' },
      augment,
      mix: { mixup: 0, cutmix: 0, probability: 1 },
      seed: 5,
    },
    copies: 1,
    epoch: 3,
  });
  expect(preview?.images).toEqual(value?.images);
  previewer.dispose();
});

describe('inspect', () => {
  test('keeps the order of the files over several threads and says which cannot be read', async () => {
    const files = Array.from({ length: 50 }, (_, i) =>
      i % 7 === 3 ? new Blob(['no image']) : new Blob([bmp(10 + i, 5, () => [i, 0, 0])]),
    );
    const results = await open({ threads: 3 }).inspect(files);
    expect(results).toHaveLength(50);
    results.forEach((result, i) => {
      if (i % 7 === 3) expect(result).toMatchObject({ ok: false, reason: expect.any(String) });
      else expect(result).toMatchObject({ ok: true, width: 10 + i, sums: [i * 5 * (10 + i), 0, 0] });
    });
    expect(await open({ threads: 2 }).inspect([])).toEqual([]);
  });

  test('a worker that dies over a file is replaced and only that file is lost', async () => {
    // Stands for a decoder that crashes: throws over the file "bomb", answers for the others.
    const spawn = spawnText(`
      onmessage = async ({ data }) => {
        const texts = await Promise.all(data.parameters.files.map((file) => file.text()));
        if (texts.includes('bomb')) setTimeout(() => { throw new Error('crashed'); });
        else postMessage({ type: 'value', id: data.id, value: texts.map((text) => ({ ok: false, reason: text })) });
      };
      postMessage({ type: 'ready' });`);
    const files = ['a', 'b', 'bomb', 'c', 'd', 'e'].map((text) => new Blob([text]));
    const results = await open({ spawn, threads: 2 }).inspect(files);
    const reasons = results.map((result) => (result.ok ? 'ok' : result.reason));
    expect(reasons).toEqual(['a', 'b', 'the image decoder failed over it', 'c', 'd', 'e']);
  });
});

describe('a worker that fails', () => {
  const files = [new Blob(['x'])];

  test('to load rejects at once, not after a time-out', async () => {
    const spawn = () => new Worker('/no-such-worker.js', { type: 'module' });
    await expect(open({ spawn, threads: 2 }).inspect(files)).rejects.toMatchObject({
      code: 'worker-not-started',
      badInput: false,
    });
  });

  test('in the middle of a batch rejects what is under way and what comes after', async () => {
    const spawn = spawnText(`onmessage = () => { throw new Error('boom'); }; postMessage({ type: 'ready' });`);
    const pool = open({ spawn, threads: 1 });
    const options = { pool, items, preprocess, augment, seed: 5, batchSize: 6 };
    await expect(createLoader(options)).rejects.toMatchObject({
      code: 'worker-failed',
      message: expect.stringContaining('boom'),
    });
    await expect(createLoader(options)).rejects.toMatchObject({ code: 'worker-failed' });
  });

  test('to answer is given up, at the start and later', async () => {
    const never = open({ spawn: spawnText(''), threads: 1, silenceMs: 300 });
    await expect(never.thread(0)('close', { session: 1 })).rejects.toMatchObject({ code: 'worker-not-started' });
    const spawn = spawnText(`postMessage({ type: 'ready' });`);
    const later = open({ spawn, threads: 1, silenceMs: 300 });
    await expect(later.thread(0)('close', { session: 1 })).rejects.toMatchObject({ code: 'worker-silent' });
  });

  test('that was ended rejects what is under way', async () => {
    const pool = open({ threads: 1 });
    const inspecting = pool.inspect(Array.from({ length: 20 }, () => new Blob([bmp(600, 600, () => [1, 2, 3])])));
    pool.dispose();
    await expect(inspecting).rejects.toMatchObject({ code: 'pool-closed' });
  });
});
