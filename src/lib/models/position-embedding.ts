// Resamples the position embedding of a vision transformer to another image size, as timm's resample_abs_pos_embed does when it
// loads weights. Plain arithmetic on arrays.

import type { Pair } from '$lib/graph/types';

/** One output row or column as a weighted sum of inputs. */
interface Taps {
  first: number;
  weights: Float64Array;
}

/**
 * `values` [prefixTokens + from[0] * from[1], width], rows of patches from top to bottom: the same for a grid of `to` patches, a fresh
 * array. The prefix (class token) stays as it is. Bicubic (Keys 1981) with a = -0.5, the kernel widened where the grid
 * shrinks: torch's interpolate with mode 'bicubic', antialias and half-pixel centres. Sums are in double precision.
 */
export function resamplePositionEmbedding(
  values: Float32Array,
  from: Pair,
  to: Pair,
  width: number,
  prefixTokens: number,
): Float32Array {
  // timm leaves an oblong grid of the same size to the resampling too; its weights are then exactly 1.
  if (from[0] === to[0] && from[1] === to[1]) return values.slice();
  const prefix = prefixTokens * width;
  const grid = values.subarray(prefix);
  // Along the rows first, as torch: the intermediate is rounded to float32 there as here.
  const narrow = resampleAxis(grid, [from[0], from[1], width], tapsOf(from[1], to[1]));
  const resampled = resampleAxis(narrow, [1, from[0], to[1] * width], tapsOf(from[0], to[0]));
  const result = new Float32Array(prefix + resampled.length);
  result.set(values.subarray(0, prefix));
  result.set(resampled, prefix);
  return result;
}

/** The middle axis of [outer, length, inner] by its taps. */
function resampleAxis(
  source: Float32Array,
  [outer, length, inner]: readonly [number, number, number],
  taps: readonly Taps[],
): Float32Array {
  const result = new Float32Array(outer * taps.length * inner);
  let to = 0;
  for (let o = 0; o < outer; o++) {
    for (const { first, weights } of taps) {
      const begin = (o * length + first) * inner;
      for (let i = 0; i < inner; i++) {
        let sum = 0;
        for (let tap = 0; tap < weights.length; tap++) sum += weights[tap] * source[begin + tap * inner + i];
        result[to++] = sum;
      }
    }
  }
  return result;
}

/** For every output place: the inputs within the kernel's reach, with weights that sum to 1 (so the edge is not darker). */
function tapsOf(from: number, to: number): Taps[] {
  const scale = from / to;
  const stretch = Math.max(1, scale);
  const reach = 2 * stretch;
  return Array.from({ length: to }, (_, index) => {
    const centre = scale * (index + 0.5);
    const first = Math.max(0, Math.floor(centre - reach + 0.5));
    const end = Math.min(from, Math.floor(centre + reach + 0.5));
    const weights = new Float64Array(end - first);
    for (let tap = 0; tap < weights.length; tap++) weights[tap] = cubic((first + tap + 0.5 - centre) / stretch);
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

/** Keys's cubic convolution kernel with a = -0.5. */
function cubic(distance: number): number {
  const a = -0.5;
  const x = Math.abs(distance);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}
