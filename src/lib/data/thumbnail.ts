// Small pictures of large images for the gallery. Needs OffscreenCanvas, so a browser, page or worker.

import type { PixelImage } from '$lib/pipeline/contract';
import { THUMBNAIL_SIDE, type Thumbnail } from './check';

const QUALITY = 0.8;

/** WebP with the longer side at THUMBNAIL_SIDE; JPEG in browsers that cannot write WebP. */
export async function makeThumbnail(pixels: PixelImage): Promise<Thumbnail> {
  const { width, height, data } = shrink(pixels, THUMBNAIL_SIDE);
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('This browser gives no 2D canvas.');
  context.putImageData(new ImageData(data, width, height), 0, 0);
  const webp = await canvas.convertToBlob({ type: 'image/webp', quality: QUALITY });
  // A browser without the encoder silently writes PNG, several times as large.
  const blob = webp.type === 'image/webp' ? webp : await canvas.convertToBlob({ type: 'image/jpeg', quality: QUALITY });
  return { mime: blob.type, bytes: new Uint8Array(await blob.arrayBuffer()) };
}

/** RGBA with the longer side at `side`; each pixel is the mean of those that it covers. Larger images only. */
export function shrink(
  { width, height, data }: PixelImage,
  side: number,
): { width: number; height: number; data: Uint8ClampedArray<ArrayBuffer> } {
  const scale = side / Math.max(width, height);
  const outWidth = Math.max(1, Math.round(width * scale));
  const outHeight = Math.max(1, Math.round(height * scale));
  const out = new Uint8ClampedArray(outWidth * outHeight * 4);
  for (let y = 0; y < outHeight; y++) {
    const top = Math.floor((y * height) / outHeight);
    const bottom = Math.max(top + 1, Math.floor(((y + 1) * height) / outHeight));
    for (let x = 0; x < outWidth; x++) {
      const left = Math.floor((x * width) / outWidth);
      const right = Math.max(left + 1, Math.floor(((x + 1) * width) / outWidth));
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let row = top; row < bottom; row++) {
        for (let at = (row * width + left) * 3; at < (row * width + right) * 3; at += 3) {
          red += data[at];
          green += data[at + 1];
          blue += data[at + 2];
        }
      }
      const count = (bottom - top) * (right - left);
      out.set([red / count, green / count, blue / count, 255], (y * outWidth + x) * 4);
    }
  }
  return { width: outWidth, height: outHeight, data: out };
}
