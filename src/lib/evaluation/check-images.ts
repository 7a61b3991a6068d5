// The images that an export is checked on: held-out ones, as pixels of the net's input size.

import { integer, stream } from '$lib/core/random';
import type { TrainedModel } from '$lib/interchange/contract';
import type { DecodePool } from '$lib/pipeline/pool';
import type { DatasetVersionRecord, Item } from '$lib/storage/records';
import { openSplit } from './held-out';

/** Enough to meet every class of a small problem; each costs one run on every format's runtime. */
export const CHECK_IMAGES = 32;

/** Test images where there are any, else validation, else train: spread evenly over the split, so that all classes occur. */
export function chooseCheckItems(items: readonly Item[], count = CHECK_IMAGES): Item[] {
  const splits = (['test', 'val', 'train'] as const).map((name) => items.filter(({ split }) => split === name));
  const chosen = splits.find((split) => split.length > 0) ?? [];
  const step = Math.max(1, chosen.length / count);
  return Array.from({ length: Math.min(count, chosen.length) }, (_, index) => chosen[Math.floor(index * step)]);
}

interface CheckImageTools {
  model: TrainedModel;
  /** Null where the model came without data: noise then stands for images. */
  version: Pick<DatasetVersionRecord, 'items'> | null;
  pool: DecodePool;
}

/** Bytes 0..255, [count, height, width, 3]. */
export async function checkImages({
  model,
  version,
  pool,
}: CheckImageTools): Promise<{ images: Uint8Array<ArrayBuffer>; shape: readonly [number, number, number, 3] }> {
  const [height, width] = model.preprocess.imageSize;
  const size = height * width * 3;
  if (version === null) return { images: noise(NOISE_IMAGES * size), shape: [NOISE_IMAGES, height, width, 3] };
  const items = chooseCheckItems(version.items);
  const images = new Uint8Array(items.length * size);
  const source = await openSplit(items, { model, pool });
  try {
    for await (const batch of source.epoch(0)) {
      batch.indices.forEach((index, row) => {
        images.set(batch.images.subarray(row * size, (row + 1) * size), index * size);
      });
    }
  } finally {
    await source.dispose();
  }
  return { images, shape: [items.length, height, width, 3] };
}

/** A bundle opened elsewhere is checked on fewer: noise images are all alike to a net. */
const NOISE_IMAGES = 8;

function noise(length: number): Uint8Array<ArrayBuffer> {
  const random = stream(0, 'check-images');
  return Uint8Array.from({ length }, () => integer(random, 256));
}
