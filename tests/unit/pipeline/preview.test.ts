// The preview shows what a run would feed its net: compared with the loader's and the mixer's own results.
import { describe, expect, test } from 'vitest';
import { createLoader } from '$lib/pipeline/loader';
import { createMixer } from '$lib/pipeline/mix';
import { inlinePool, type DecodePool } from '$lib/pipeline/pool';
import { createPreviewer, type PreviewRequest } from '$lib/pipeline/preview';
import type { Item } from '$lib/storage/records';
import { EVERY_AUGMENTATION, NO_AUGMENTATION } from '../../support/augmentation';

const SIDE = 12;
const SIZE = SIDE * SIDE * 3;

/** Every third image is held out, so that places in the train split are not places in the version. */
const items: Item[] = Array.from({ length: 12 }, (_, i) => ({
  ...{ path: `${i}.png`, blob: `${i}`, width: 20, height: 16, bytes: 1 },
  annotation: { kind: 'class', class: 0 },
  split: i % 3 === 0 ? 'val' : 'train',
}));
const train = items.filter(({ split }) => split === 'train');

function fakePool() {
  const counts = { decodes: 0, opened: 0, disposed: 0 };
  let gate: Promise<void> = Promise.resolve();
  const service = inlinePool({
    decoder: {
      async decode(file) {
        counts.decodes++;
        await gate;
        const seed = Number(await file.text());
        return { width: 20, height: 16, data: Uint8Array.from({ length: 960 }, (_, i) => (i * 7 + seed * 31) % 256) };
      },
      inspect: () => Promise.reject(new Error('not used')),
    },
    readBlobs: (keys) => Promise.resolve(keys.map((key) => new Blob([key]))),
  });
  const pool: DecodePool = { ...service, size: 2, dispose: () => void counts.disposed++ };
  const open = (): DecodePool => {
    counts.opened++;
    return pool;
  };
  const hold = () => {
    let release: () => void = () => undefined;
    gate = new Promise((resolve) => (release = resolve));
    return release;
  };
  return { pool, open, counts, hold };
}

const job: PreviewRequest['job'] = {
  preprocess: { image_size: SIDE, resize: 'crop', interpolation: 'bilinear', normalize: 'none' },
  augment: EVERY_AUGMENTATION,
  mix: { mixup: 0, cutmix: 0, probability: 1 },
  seed: 11,
};
const request = (more: Partial<PreviewRequest> = {}): PreviewRequest => ({
  ...{ versionId: 'v', paths: train.map(({ path }) => path), job, copies: 2, epoch: 3 },
  ...more,
});

async function epochOfLoader(epoch: number, augment = job.augment): Promise<Uint8Array> {
  const preprocess = { imageSize: [SIDE, SIDE], resize: 'crop', interpolation: 'bilinear' } as const;
  const loader = await createLoader({
    pool: fakePool().pool,
    items: train,
    preprocess,
    augment,
    seed: 11,
    batchSize: 8,
  });
  const batch = await loader.epoch(epoch, { shuffle: false }).next();
  if (batch.done === true) throw new Error('no batch');
  return batch.value.images;
}

describe('the preview', () => {
  test('is what the loader makes of the same images in the same epochs', async () => {
    const { open } = fakePool();
    const { images, shape, mixes } = (await createPreviewer({ openPool: open, itemsOf: async () => items }).preview(
      request(),
    ))!;
    expect(shape).toEqual([16, SIDE, SIDE, 3]);
    expect(mixes).toEqual([null, null]);
    expect(images.subarray(0, 8 * SIZE)).toEqual(await epochOfLoader(3));
    expect(images.subarray(8 * SIZE)).toEqual(await epochOfLoader(4));
  });

  test('mixes as the first batch of an epoch is mixed', async () => {
    const { open } = fakePool();
    const mix = { mixup: 0.4, cutmix: 1, probability: 1 };
    const previewer = createPreviewer({ openPool: open, itemsOf: async () => items });
    const { images, mixes } = (await previewer.preview(request({ job: { ...job, mix }, copies: 1 })))!;
    const targets = { values: new Float32Array(8), shape: [8, 1] };
    const mixed = createMixer(mix, 11)!(await epochOfLoader(3), [8, SIDE, SIDE, 3], targets, 3, 0);
    expect(images).toEqual(mixed.images);
    expect(mixes).toEqual([expect.objectContaining({ share: expect.any(Number), partners: expect.any(Array) })]);
  });

  test('keeps images between requests and asks for a version once', async () => {
    const { open, counts } = fakePool();
    let asked = 0;
    const itemsOf = async () => {
      asked++;
      return items;
    };
    const previewer = createPreviewer({ openPool: open, itemsOf });
    await previewer.preview(request());
    expect(counts).toMatchObject({ decodes: 8, opened: 1 });
    // Another size and no crops: prepared anew, yet not decoded.
    const plain = { ...job, augment: NO_AUGMENTATION, preprocess: { ...job.preprocess, image_size: 10 } };
    const { images } = (await previewer.preview(request({ job: plain, copies: 1 })))!;
    expect(images).toHaveLength(8 * 300);
    expect(counts.decodes).toBe(8);
    expect(asked).toBe(1);
    await previewer.preview(request({ versionId: 'w' }));
    expect(asked).toBe(2);
  });

  test('a later request ends an earlier one', async () => {
    const { open, counts, hold } = fakePool();
    const previewer = createPreviewer({ openPool: open, itemsOf: async () => items });
    const release = hold();
    const first = previewer.preview(request());
    await new Promise((resolve) => setTimeout(resolve, 5));
    const second = previewer.preview(request({ paths: ['1.png'], copies: 1 }));
    release();
    expect(await first).toBeNull();
    expect((await second)!.shape[0]).toBe(1);
    // Two under way on two threads; the rest of the first request was not begun.
    expect(counts.decodes).toBeLessThanOrEqual(3);
  });

  test('names an image that is not there, and tries again after a failure', async () => {
    const { open } = fakePool();
    let fails = true;
    const itemsOf = () => (fails ? Promise.reject(new Error('no version')) : Promise.resolve(items));
    const previewer = createPreviewer({ openPool: open, itemsOf });
    await expect(previewer.preview(request())).rejects.toThrow('no version');
    fails = false;
    await expect(previewer.preview(request({ paths: ['x.png'] }))).rejects.toMatchObject({ code: 'version-images' });
    expect(await previewer.preview(request({ paths: ['1.png'] }))).not.toBeNull();
  });

  test('lets the threads go when nobody asks any more', async () => {
    const { open, counts } = fakePool();
    const previewer = createPreviewer({ openPool: open, itemsOf: async () => items, idleMs: 10 });
    await previewer.preview(request());
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect(counts.disposed).toBe(1);
    expect(await previewer.preview(request({ paths: ['1.png'] }))).not.toBeNull();
    expect(counts.opened).toBe(2);
    previewer.dispose();
  });
});
