// From an encoded image to pixels, with the browser's own decoders. Runs in workers and in the page; not in Node.

import { TrainyardError } from '$lib/core/errors';
import { readImageHeader } from '$lib/data/image-header';
import { createBudget, type Budget } from './budget';
import type { DecodeImage, PixelImage } from './contract';
import type { Inspection } from './inspection';

export interface Decoder {
  decode: DecodeImage;
  /** Decodes only to see whether it can be, and what is in it. Never throws for what a file holds. */
  inspect(file: Blob, options?: { thumbnailSide?: number }): Promise<Inspection>;
}

// Pixels are read in bands of rows: a 100-megapixel image otherwise takes 400 MB for the canvas and 400 MB more for its data.
const BAND_PIXELS = 1 << 20;
// Decoded at once per thread: about 100 MB for the bitmaps. A larger image waits until it is alone.
const PIXELS_UNDER_WAY = 25e6;
const THUMBNAIL_QUALITY = 0.8;

/**
 * A decoder with a canvas of its own; use one per thread. Calls may overlap.
 * EXIF orientation is applied; alpha is composed on white; embedded colour profiles are ignored, as Pillow and torchvision ignore
 * them, so that a model sees the same numbers elsewhere; of an animation the first frame counts.
 */
export function createDecoder(): Decoder {
  const canvas = new OffscreenCanvas(1, 1);
  // Kept in main memory: reading back from the GPU costs more than drawing 8-bit pixels on the CPU.
  const context = canvas.getContext('2d', { willReadFrequently: true, alpha: false });
  if (context === null) throw new TrainyardError('no-canvas', 'The browser offers no 2D canvas to read pixels with.');

  const budget = createBudget(PIXELS_UNDER_WAY);

  /** Calls `visit` with the RGBA rows of the image, from the top. Synchronous, so that calls cannot mix on the canvas. */
  function readBands(bitmap: ImageBitmap, visit: (rgba: Uint8ClampedArray, firstRow: number) => void): void {
    const { width, height } = bitmap;
    const rows = Math.min(height, Math.max(1, Math.floor(BAND_PIXELS / width)));
    // Grows only: setting a size clears and reallocates.
    if (canvas.width < width) canvas.width = width;
    if (canvas.height < rows) canvas.height = rows;
    if (canvas.width * canvas.height > 2 * BAND_PIXELS) [canvas.width, canvas.height] = [width, rows];
    for (let row = 0; row < height; row += rows) {
      const count = Math.min(rows, height - row);
      context!.fillStyle = 'white';
      context!.fillRect(0, 0, width, count);
      context!.drawImage(bitmap, 0, row, width, count, 0, 0, width, count);
      visit(context!.getImageData(0, 0, width, count).data, row);
    }
  }

  function toRgb(bitmap: ImageBitmap): PixelImage {
    const { width, height } = bitmap;
    const data = new Uint8Array(width * height * 3);
    readBands(bitmap, (rgba, firstRow) => {
      let to = firstRow * width * 3;
      for (let from = 0; from < rgba.length; from += 4) {
        data[to++] = rgba[from];
        data[to++] = rgba[from + 1];
        data[to++] = rgba[from + 2];
      }
    });
    return { width, height, data };
  }

  async function inspect(file: Blob, options: { thumbnailSide?: number } = {}): Promise<Inspection> {
    try {
      return await withBitmap(file, budget, async (bitmap): Promise<Inspection> => {
        const { width, height } = bitmap;
        const sums: [number, number, number] = [0, 0, 0];
        const squares: [number, number, number] = [0, 0, 0];
        readBands(bitmap, (rgba) => addBand(rgba, sums, squares));
        const thumbnail = await makeThumbnail(bitmap, options.thumbnailSide ?? 0);
        return { ok: true, width, height, sums, squares, pixels: width * height, ...(thumbnail && { thumbnail }) };
      });
    } catch (error) {
      if (error instanceof UnreadableImage) return { ok: false, reason: error.reason };
      throw error;
    }
  }

  return { decode: (file) => withBitmap(file, budget, toRgb), inspect };
}

/** `unreadable-image`, with the reason alone for lists that name the file themselves. */
class UnreadableImage extends TrainyardError {
  constructor(readonly reason: string) {
    super('unreadable-image', `The image could not be read: ${reason}.`, 'Replace the file or leave it out.');
  }
}

/** Header first: what is too large, cut off or no image is refused before any of it is decoded. */
async function withBitmap<Value>(
  file: Blob,
  budget: Budget,
  use: (bitmap: ImageBitmap) => Value | Promise<Value>,
): Promise<Value> {
  const bytes = await readBytes(file);
  const result = readImageHeader(bytes);
  if (!result.ok) throw new UnreadableImage(result.reason);
  const { mime, width, height } = result.header;
  const giveBack = await budget.take(width * height);
  try {
    const bitmap = await openBitmap(new Blob([bytes], { type: mime }));
    try {
      return await use(bitmap);
    } finally {
      bitmap.close();
    }
  } finally {
    giveBack();
  }
}

async function readBytes(file: Blob): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch {
    throw new UnreadableImage('the file can no longer be read from the disk');
  }
}

async function openBitmap(image: Blob): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(image, {
      imageOrientation: 'from-image',
      // Drawing on white multiplies by alpha anyway; asking for 'none' would only add a conversion.
      premultiplyAlpha: 'premultiply',
      colorSpaceConversion: 'none',
    });
  } catch {
    // The browser's own words say nothing more ("could not be decoded").
    throw new UnreadableImage('its image data are damaged, or this browser cannot decode them');
  }
}

function addBand(rgba: Uint8ClampedArray, sums: [number, number, number], squares: [number, number, number]): void {
  for (let channel = 0; channel < 3; channel++) {
    let sum = 0;
    let square = 0;
    for (let i = channel; i < rgba.length; i += 4) {
      sum += rgba[i];
      square += rgba[i] * rgba[i];
    }
    sums[channel] += sum;
    squares[channel] += square;
  }
}

/** The image at most `side` pixels high and wide; null where it is no larger anyway. */
async function makeThumbnail(bitmap: ImageBitmap, side: number) {
  const scale = side / Math.max(bitmap.width, bitmap.height);
  if (side === 0 || scale >= 1) return null;
  const width = Math.max(1, Math.round(bitmap.width * scale));
  const height = Math.max(1, Math.round(bitmap.height * scale));
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { alpha: false, willReadFrequently: true });
  if (context === null) return null;
  context.fillStyle = 'white';
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, width, height);
  // Where WebP cannot be written the browser gives PNG and says so in the type.
  const blob = await canvas.convertToBlob({ type: 'image/webp', quality: THUMBNAIL_QUALITY });
  return { mime: blob.type, bytes: new Uint8Array(await blob.arrayBuffer()) };
}
