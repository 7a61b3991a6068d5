// Makes the samples of one loader in one thread: reads, decodes, keeps what it can, augments. Knows nothing of workers or batches.

import { TrainyardError } from '$lib/core/errors';
import { stream } from '$lib/core/random';
import { augment, isIdentity } from './augment';
import type { AugmentSettings } from './augment-plan';
import type { DecodeImage, PixelImage } from './contract';
import type { ReadBlobs, SessionItem, SessionSettings } from './messages';
import { applyPreprocess, type PixelPreprocess } from './preprocess';
import { resize } from './resize';
import type { WeightCache } from './weights';

// Decoding overlaps in the browser's own threads: 16 at once took half the time per small image of one at a time (Chromium).
const DECODES_AT_ONCE = 8;
// An image from which random parts are cut is kept at up to twice the net's side: a part of a quarter of its area then has
// full resolution, and ten thousand photographs of 12 megapixels do not fill the memory.
const CROP_RESERVE = 2;

export interface SampleMaker {
  /**
   * [n, height, width, 3] of the items at `indices`, augmented for `epoch`. `repeats`: how often each was had before in the epoch,
   * where images are drawn more than once; each time it is changed in another way.
   */
  load(epoch: number, indices: readonly number[], repeats?: readonly number[]): Promise<Uint8Array<ArrayBuffer>>;
  /** Decoded images that are kept, in bytes. */
  readonly cachedBytes: number;
}

/** Null where nothing is changed. */
export function changesOf(augment: AugmentSettings | null): AugmentSettings | null {
  return augment === null || isIdentity(augment) ? null : augment;
}

/** What all epochs have in common of a decoded image; what comes after it is {@link augment}'s. */
export function prepareSource(
  image: PixelImage,
  preprocess: PixelPreprocess,
  changes: AugmentSettings | null,
  weights: WeightCache,
): PixelImage {
  if (changes?.random_resized_crop.enabled !== true) return applyPreprocess(image, preprocess, weights);
  const [height, width] = preprocess.imageSize;
  const scale = (CROP_RESERVE * Math.max(height, width)) / Math.min(image.width, image.height);
  if (scale >= 1) return image;
  const size = { width: Math.round(image.width * scale), height: Math.round(image.height * scale) };
  return resize(image, size, { interpolation: preprocess.interpolation }, { cache: weights });
}

export function createSampleMaker(settings: SessionSettings, decode: DecodeImage, readBlobs: ReadBlobs): SampleMaker {
  const { items, preprocess, seed, cacheBytes } = settings;
  const changes = changesOf(settings.augment);
  const [height, width] = preprocess.imageSize;
  const sampleBytes = height * width * 3;
  const weights: WeightCache = new Map();
  // Filled once and then held: every epoch asks for every image, so replacing the oldest would keep just what comes last.
  const kept = new Map<number, PixelImage>();
  let cachedBytes = 0;

  function keep(index: number, image: PixelImage): void {
    if (kept.has(index) || cachedBytes + image.data.byteLength > cacheBytes) return;
    kept.set(index, image);
    cachedBytes += image.data.byteLength;
  }

  const prepare = (image: PixelImage) => prepareSource(image, preprocess, changes, weights);

  function finish(index: number, epoch: number, repeat: number, image: PixelImage): PixelImage {
    const name = ['augment', epoch, items[index].stream ?? index];
    const random = stream(seed, ...(repeat === 0 ? name : [...name, repeat]));
    return changes === null ? image : augment(image, changes, preprocess, random, weights);
  }

  async function load(
    epoch: number,
    indices: readonly number[],
    repeats: readonly number[] = [],
  ): Promise<Uint8Array<ArrayBuffer>> {
    const result = new Uint8Array(indices.length * sampleBytes);
    const missing: number[] = [];
    indices.forEach((index, position) => {
      const image = kept.get(index);
      if (image === undefined) missing.push(position);
      else result.set(finish(index, epoch, repeats[position] ?? 0, image).data, position * sampleBytes);
    });
    for (let start = 0; start < missing.length; start += DECODES_AT_ONCE) {
      const positions = missing.slice(start, start + DECODES_AT_ONCE);
      const blobs = await readBlobs(positions.map((position) => items[indices[position]].blob));
      const decodes = positions.map(async (position, i) => {
        const index = indices[position];
        const image = prepare(await decodeNamed(decode, blobs[i], items[index]));
        keep(index, image);
        result.set(finish(index, epoch, repeats[position] ?? 0, image).data, position * sampleBytes);
      });
      await Promise.all(decodes);
    }
    return result;
  }

  return {
    load,
    get cachedBytes() {
      return cachedBytes;
    },
  };
}

/** With the image's name in the message of a failure. */
export async function decodeNamed(decode: DecodeImage, blob: Blob, item: SessionItem): Promise<PixelImage> {
  try {
    return await decode(blob);
  } catch (error) {
    if (!(error instanceof TrainyardError) || item.path === undefined) throw error;
    const message = `"${item.path}": ${error.message}`;
    throw new TrainyardError(error.code, message, error.hint, { cause: error, badInput: error.badInput });
  }
}
