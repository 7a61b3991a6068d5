// Random bytes and random grain for whole images. Fast generators of their own: a plan holds the seed, not the numbers.

import { bytesOf, type PixelImage } from './contract';
import type { Box } from './resize';

const PLACES = 4096;
const UNIT = 1024;

/** Standard normal numbers at 4,096 equally likely places, in 1/1,024: a lookup where Box and Muller need a logarithm and a cosine. */
const normalQuantiles = lazily(() => {
  // The density over -4.5..4.5 in steps of 1/1,024, summed until the next place is reached.
  const first = Math.round(-4.5 * UNIT);
  const densities = Float64Array.from({ length: 1 - 2 * first }, (_, i) => Math.exp(-(((first + i) / UNIT) ** 2) / 2));
  const total = densities.reduce((sum, density) => sum + density, 0);
  const quantiles = new Int16Array(PLACES);
  let below = 0;
  for (let i = 0, place = 0; place < PLACES; place++) {
    while (below + densities[i] / 2 < ((place + 0.5) / PLACES) * total) below += densities[i++];
    quantiles[place] = first + i;
  }
  return quantiles;
});

function lazily<Value>(make: () => Value): () => Value {
  let made: { value: Value } | null = null;
  return () => (made ??= { value: make() }).value;
}

/** xorshift32 (Marsaglia 2003): three shifts a number. Seeds near each other are spread by a multiplication. */
function xorshift(seed: number): () => number {
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** Adds normal grain of this deviation (0..1) to every value. */
export function addNoise(image: PixelImage, deviation: number, seed: number): PixelImage {
  const { width, height } = image;
  const data = bytesOf(image);
  const normal = normalQuantiles();
  const next = xorshift(seed);
  const result = new Uint8ClampedArray(data.length);
  const scale = (deviation * 255) / UNIT;
  for (let i = 0; i < data.length; i += 2) {
    const bits = next();
    // The upper bits: xorshift's lowest are its weakest. Clamped conversion rounds to the nearest.
    result[i] = data[i] + scale * normal[bits >>> 20];
    result[i + 1] = data[i + 1] + scale * normal[(bits >>> 8) & (PLACES - 1)];
  }
  return { width, height, data: bytesOf({ data: result }) };
}

/** Paints a rectangle: one level, or random bytes. */
export function blank(image: PixelImage, box: Box, paint: { level: number } | { seed: number }): PixelImage {
  const { width, height } = image;
  const data = bytesOf(image).slice();
  const next = 'seed' in paint ? xorshift(paint.seed) : null;
  for (let row = box.y; row < box.y + box.height; row++) {
    const from = (row * width + box.x) * 3;
    const to = from + box.width * 3;
    if ('level' in paint) data.fill(paint.level, from, to);
    else if (next !== null) for (let i = from; i < to; i++) data[i] = next() >>> 24;
  }
  return { width, height, data };
}
