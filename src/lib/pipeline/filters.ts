// Changes of an 8-bit RGB image that look at neighbouring pixels: Gaussian blur and sharpness. New images.

import { bytesOf, type PixelImage } from './contract';
import { blend } from './tone';

/**
 * Towards (below 1) or away from (above) a slightly smoothed image: Pillow's ImageEnhance.Sharpness, whose smoothing weighs a pixel
 * 5 and each of its neighbours 1, and leaves the outermost pixels alone.
 */
export function sharpness(image: PixelImage, factor: number): PixelImage {
  const { width, height } = image;
  const data = bytesOf(image);
  const result = data.slice();
  const stride = width * 3;
  // Of each column, three pixels above each other.
  const columns = new Int32Array(stride);
  for (let y = 1; y < height - 1; y++) {
    const line = y * stride;
    for (let i = 0; i < stride; i++) columns[i] = data[line - stride + i] + data[line + i] + data[line + stride + i];
    for (let i = 3; i < stride - 3; i++) {
      const own = data[line + i];
      // A thirteenth is never a half, so adding 6 rounds.
      const smooth = ((columns[i - 3] + columns[i] + columns[i + 3] + 4 * own + 6) / 13) | 0;
      result[line + i] = blend(smooth, own, factor);
    }
  }
  return { width, height, data: result };
}

const BITS = 14;
const HALF = 1 << (BITS - 1);

/** Of a Gaussian with this sigma (pixels) out to three sigmas, whole numbers that sum to 2^14: weights of distances 0, 1... */
function kernel(sigma: number): Int32Array {
  const radius = Math.max(1, Math.ceil(3 * sigma));
  const weights = Float64Array.from({ length: radius + 1 }, (_, i) => Math.exp(-(i * i) / (2 * sigma * sigma)));
  const total = weights.reduce((sum, weight, i) => sum + (i === 0 ? weight : 2 * weight), 0);
  const fixed = Int32Array.from(weights, (weight) => Math.round((weight / total) * (1 << BITS)));
  // What rounding left goes to the middle, so that a flat image stays flat.
  fixed[0] += (1 << BITS) - fixed.reduce((sum, weight, i) => sum + (i === 0 ? weight : 2 * weight), 0);
  return fixed;
}

/** Below this a neighbour counts less than a grey level. */
const LEAST_SIGMA = 0.2;

/** Gaussian; beyond the edge the image is mirrored without repeating the edge, as torchvision does. Sigma in pixels. */
export function gaussianBlur(image: PixelImage, sigma: number): PixelImage {
  if (sigma < LEAST_SIGMA) return image;
  const { width, height } = image;
  const weights = kernel(sigma);
  return { width, height, data: blurRows(blurColumns(bytesOf(image), width, height, weights), width, height, weights) };
}

/** Index in 0..limit - 1, mirrored at both ends as often as needed. */
function mirrored(index: number, limit: number): number {
  if (limit === 1) return 0;
  const period = 2 * (limit - 1);
  const at = ((index % period) + period) % period;
  return at < limit ? at : period - at;
}

/** Down the columns, a whole line at a time. */
function blurColumns(data: Uint8Array, width: number, height: number, weights: Int32Array): Uint8Array {
  const stride = width * 3;
  const result = new Uint8Array(data.length);
  const sums = new Int32Array(stride);
  for (let y = 0; y < height; y++) {
    const line = y * stride;
    for (let i = 0; i < stride; i++) sums[i] = HALF + weights[0] * data[line + i];
    for (let distance = 1; distance < weights.length; distance++) {
      const weight = weights[distance];
      const above = mirrored(y - distance, height) * stride;
      const below = mirrored(y + distance, height) * stride;
      for (let i = 0; i < stride; i++) sums[i] += weight * (data[above + i] + data[below + i]);
    }
    for (let i = 0; i < stride; i++) result[line + i] = sums[i] >> BITS;
  }
  return result;
}

/** Along the rows: each line is copied with its mirrored ends, so that the loops have no edges. */
function blurRows(data: Uint8Array, width: number, height: number, weights: Int32Array): Uint8Array<ArrayBuffer> {
  const stride = width * 3;
  const radius = weights.length - 1;
  const result = new Uint8Array(data.length);
  const sums = new Int32Array(stride);
  const padded = new Uint8Array(stride + 6 * radius);
  for (let y = 0; y < height; y++) {
    const line = y * stride;
    padded.set(data.subarray(line, line + stride), 3 * radius);
    for (let distance = 1; distance <= radius; distance++)
      for (let channel = 0; channel < 3; channel++) {
        const before = mirrored(-distance, width) * 3 + channel;
        const after = mirrored(width - 1 + distance, width) * 3 + channel;
        padded[(radius - distance) * 3 + channel] = data[line + before];
        padded[(radius + width - 1 + distance) * 3 + channel] = data[line + after];
      }
    const middle = 3 * radius;
    for (let i = 0; i < stride; i++) sums[i] = HALF + weights[0] * padded[middle + i];
    for (let distance = 1; distance <= radius; distance++) {
      const weight = weights[distance];
      const [left, right] = [middle - 3 * distance, middle + 3 * distance];
      for (let i = 0; i < stride; i++) sums[i] += weight * (padded[left + i] + padded[right + i]);
    }
    for (let i = 0; i < stride; i++) result[line + i] = sums[i] >> BITS;
  }
  return result;
}
