// Images that an epoch has more than once: each time another change, the first one the same as ever.
import { expect, test } from 'vitest';
import type { PixelImage } from '$lib/pipeline/contract';
import { createLoader } from '$lib/pipeline/loader';
import { inlinePool } from '$lib/pipeline/pool';
import { NO_AUGMENTATION } from '../../support/augmentation';

const SIZE = 8;
const BYTES = SIZE * SIZE * 3;

function makeLoader() {
  const decode = async (file: Blob): Promise<PixelImage> => {
    const seed = Number(await file.text());
    return { width: SIZE, height: SIZE, data: Uint8Array.from({ length: BYTES }, (_, i) => (i * 7 + seed * 31) % 256) };
  };
  const pool = inlinePool({
    decoder: { decode, inspect: () => Promise.reject(new Error('not used')) },
    readBlobs: (hashes) => Promise.resolve(hashes.map((hash) => new Blob([hash]))),
  });
  return createLoader({
    pool,
    items: Array.from({ length: 6 }, (_, index) => ({ blob: String(index) })),
    preprocess: { imageSize: [SIZE, SIZE], resize: 'stretch', interpolation: 'bilinear' },
    augment: { ...NO_AUGMENTATION, rotation: 40, shift: 2 },
    seed: 3,
    batchSize: 3,
  });
}

async function images(order: Uint32Array | undefined, from = 0): Promise<{ index: number; bytes: string }[]> {
  const loader = await makeLoader();
  const gather = async (): Promise<{ index: number; bytes: string }[]> => {
    const found: { index: number; bytes: string }[] = [];
    for await (const { images: all, indices } of loader.epoch(2, { order, from })) {
      indices.forEach((index, row) => {
        found.push({ index, bytes: all.subarray(row * BYTES, (row + 1) * BYTES).join() });
      });
    }
    return found;
  };
  const decoded = await gather();
  // From the images that were kept, the second time.
  expect(await gather()).toEqual(decoded);
  await loader.dispose();
  return decoded;
}

test('an image that comes again is changed in another way, whatever step an epoch is taken up at', async () => {
  const order = Uint32Array.of(4, 1, 4, 4, 1, 0);
  const drawn = await images(order);
  expect(drawn.map(({ index }) => index)).toEqual([...order]);
  expect(new Set(drawn.map(({ bytes }) => bytes)).size).toBe(6);
  expect(await images(order, 1)).toEqual(drawn.slice(3));
  // The first time it is the one that it is in an epoch that has all images once.
  const once = new Map((await images(Uint32Array.of(0, 1, 2, 3, 4, 5))).map(({ index, bytes }) => [index, bytes]));
  for (const at of [0, 1, 5]) expect(drawn[at].bytes).toBe(once.get(drawn[at].index));
  const shuffled = await images(undefined);
  for (const { index, bytes } of shuffled) expect(bytes).toBe(once.get(index));
});
