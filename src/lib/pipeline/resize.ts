// Resampling of 8-bit RGB images, equal to Pillow's to the last bit when antialiased (the default), and to torch's to float
// precision. Two passes, rows then columns, over precomputed weights.

import type { PixelImage } from './contract';
import { lineWeights, PRECISION_BITS, type LineWeights, type Resampling, type WeightCache } from './weights';

export interface Size {
  width: number;
  height: number;
}

/** A rectangle in pixels, inside an image. */
export interface Box extends Size {
  x: number;
  y: number;
}

export interface ResizeOptions {
  /** Of the source: only this part is resized, and nothing outside it is looked at. Default: all. */
  source?: Box;
  /** Of the result: only this part of it is computed. Default: all. */
  window?: Box;
  /** Keep one for many images of few sizes. */
  cache?: WeightCache;
}

// Rounds to the nearest when the fraction is shifted out.
const HALF = 1 << (PRECISION_BITS - 1);

interface Plan {
  source: Box;
  columns: LineWeights;
  rows: LineWeights;
  width: number;
  height: number;
}

function plan(image: PixelImage, size: Size, resampling: Resampling, options: ResizeOptions): Plan {
  const { source = { x: 0, y: 0, width: image.width, height: image.height } } = options;
  const { window = { x: 0, y: 0, width: size.width, height: size.height }, cache } = options;
  const { width, height } = window;
  const columns = { input: source.width, output: size.width, from: window.x, length: width };
  const rows = { input: source.height, output: size.height, from: window.y, length: height };
  return {
    source,
    columns: lineWeights(columns, resampling, cache),
    rows: lineWeights(rows, resampling, cache),
    width,
    height,
  };
}

/** The image (or its `source` part) at another size, rounded to 8 bits. Always a new buffer. */
export function resize(
  image: PixelImage,
  size: Size,
  resampling: Resampling,
  options: ResizeOptions = {},
): PixelImage & { data: Uint8Array<ArrayBuffer> } {
  const { source, columns, rows, width, height } = plan(image, size, resampling, options);
  const [top, bottom] = rowsNeeded(rows);
  const narrow = acrossColumns(image, source, columns, width, top, bottom);
  return { width, height, data: downRows(narrow, rows, width, height, top) };
}

/** The rows of the source that any output row looks at: [first, past the last). */
function rowsNeeded({ first, count }: LineWeights): [number, number] {
  // Starts and ends never go back from one output to the next.
  const last = first.length - 1;
  return [first[0], first[last] + count[last]];
}

/** [rows, width, 3] 8-bit: the rows top..bottom of the source, each resampled to `width`. */
function acrossColumns(
  { data, width: stride }: PixelImage,
  source: Box,
  columns: LineWeights,
  width: number,
  top: number,
  bottom: number,
): Uint8ClampedArray<ArrayBuffer> {
  const { first, count, taps, fixed: weights } = columns;

  const result = new Uint8ClampedArray((bottom - top) * width * 3);
  let out = 0;
  for (let y = top; y < bottom; y++) {
    const line = ((source.y + y) * stride + source.x) * 3;
    for (let x = 0; x < width; x++) {
      let at = line + first[x] * 3;
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      for (let tap = x * taps, end = tap + count[x]; tap < end; tap++, at += 3) {
        const weight = weights[tap];
        red += Math.imul(data[at], weight);
        green += Math.imul(data[at + 1], weight);
        blue += Math.imul(data[at + 2], weight);
      }
      result[out++] = red >> PRECISION_BITS;
      result[out++] = green >> PRECISION_BITS;
      result[out++] = blue >> PRECISION_BITS;
    }
  }
  return result;
}

/** [height, width, 3] 8-bit from rows that start at `top` of the source. */
function downRows(
  narrow: Uint8ClampedArray,
  rows: LineWeights,
  width: number,
  height: number,
  top: number,
): Uint8Array<ArrayBuffer> {
  const { first, count, taps, fixed: weights } = rows;

  const stride = width * 3;
  const result = new Uint8ClampedArray(height * stride);
  const sums = new Int32Array(stride);
  for (let y = 0; y < height; y++) {
    sums.fill(HALF);
    for (let tap = 0; tap < count[y]; tap++) {
      const weight = weights[y * taps + tap];
      const line = (first[y] + tap - top) * stride;
      for (let i = 0; i < stride; i++) sums[i] += Math.imul(narrow[line + i], weight);
    }
    for (let i = 0, out = y * stride; i < stride; i++, out++) result[out] = sums[i] >> PRECISION_BITS;
  }
  return new Uint8Array(result.buffer);
}

/** The same in floating point, not rounded and not clipped: [height, width, 3], 0..255. For comparison with torch. */
export function resizeFloat(image: PixelImage, size: Size, resampling: Resampling): Float32Array<ArrayBuffer> {
  const { columns, rows, width, height } = plan(image, size, resampling, {});
  const narrow = new Float64Array(image.height * width * 3);
  for (let y = 0; y < image.height; y++)
    for (let x = 0; x < width; x++)
      for (let tap = 0; tap < columns.count[x]; tap++)
        for (let channel = 0; channel < 3; channel++) {
          const pixel = image.data[(y * image.width + columns.first[x] + tap) * 3 + channel];
          narrow[(y * width + x) * 3 + channel] += pixel * columns.weights[x * columns.taps + tap];
        }
  const result = new Float64Array(height * width * 3);
  for (let y = 0; y < height; y++)
    for (let tap = 0; tap < rows.count[y]; tap++) {
      const weight = rows.weights[y * rows.taps + tap];
      const line = (rows.first[y] + tap) * width * 3;
      for (let i = 0; i < width * 3; i++) result[y * width * 3 + i] += narrow[line + i] * weight;
    }
  return Float32Array.from(result);
}
