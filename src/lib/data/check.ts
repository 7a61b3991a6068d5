// Proves that images decode, and measures them meanwhile: size, channel sums, thumbnail. Runs in the decode workers; decoding
// and thumbnails are given to it, so that it runs in a test too.

import { serializeError } from '$lib/core/errors';
import type { DecodeImage, PixelImage } from '$lib/pipeline/contract';

/** Sides up to this are shown as they are. */
export const THUMBNAIL_SIDE = 160;
/** Sums over more pixels than this use every n-th row and column: a mean of 65,536 pixels is exact to 0.1 %. */
const MAX_MEASURED_PIXELS = 2 ** 16;

export interface Thumbnail {
  mime: string;
  bytes: Uint8Array<ArrayBuffer>;
}

/** Mean of R, G, B and mean of their squares over the image, in 0..1. */
export type ChannelMoments = readonly [number, number, number, number, number, number];

export interface CheckedImage {
  /** After orientation. */
  width: number;
  height: number;
  moments: ChannelMoments;
  /** Null where the image is small itself. */
  thumbnail: Thumbnail | null;
}

export interface CheckTask {
  bytes: Uint8Array<ArrayBuffer>;
  mime: string;
}

export type CheckOutcome = { ok: true; image: CheckedImage } | { ok: false; reason: string };

/**
 * Checks a batch, in order; never rejects for an image. A pool of workers is behind it in the page; it must copy the bytes and
 * not transfer them, since they are stored afterwards.
 */
export type CheckImages = (tasks: readonly CheckTask[]) => Promise<readonly CheckOutcome[]>;

/** Of an image larger than THUMBNAIL_SIDE. */
export type MakeThumbnail = (pixels: PixelImage) => Promise<Thumbnail>;

export async function checkImages(
  tasks: readonly CheckTask[],
  decode: DecodeImage,
  makeThumbnail: MakeThumbnail,
): Promise<CheckOutcome[]> {
  const outcomes: CheckOutcome[] = [];
  // One after another: a worker decodes on one core anyway, and a batch of photos would take gigabytes at once.
  for (const { bytes, mime } of tasks) {
    try {
      const pixels = await decode(new Blob([bytes], { type: mime }));
      const large = Math.max(pixels.width, pixels.height) > THUMBNAIL_SIDE;
      const thumbnail = large ? await makeThumbnail(pixels) : null;
      const moments = channelMoments({ ...pixels, channels: 3 });
      outcomes.push({ ok: true, image: { width: pixels.width, height: pixels.height, moments, thumbnail } });
    } catch (error) {
      outcomes.push({ ok: false, reason: serializeError(error).message });
    }
  }
  return outcomes;
}

interface Pixels {
  width: number;
  height: number;
  channels: 1 | 3;
  data: Uint8Array | Uint8ClampedArray;
}

/** What checking would find for an image whose pixels are at hand and small. */
export function checkedPixels(image: Pixels): CheckedImage {
  return { width: image.width, height: image.height, moments: channelMoments(image), thumbnail: null };
}

export function channelMoments({ width, height, channels, data }: Pixels): ChannelMoments {
  const step = Math.max(1, Math.ceil(Math.sqrt((width * height) / MAX_MEASURED_PIXELS)));
  const sums = [0, 0, 0, 0, 0, 0];
  let count = 0;
  for (let y = step >> 1; y < height; y += step) {
    for (let x = step >> 1; x < width; x += step) {
      const at = (y * width + x) * channels;
      for (let channel = 0; channel < 3; channel++) {
        const value = data[channels === 1 ? at : at + channel];
        sums[channel] += value;
        sums[3 + channel] += value * value;
      }
      count++;
    }
  }
  const [r, g, b, rr, gg, bb] = sums.map((sum, i) => sum / count / (i < 3 ? 255 : 255 * 255));
  return [r, g, b, rr, gg, bb];
}
