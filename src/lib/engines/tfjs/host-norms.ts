// Euclidean norms of plain arrays, summed in double precision.

import type { LazyNorms } from '../contract';

export function squareSum(values: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += values[at] * values[at];
  return sum;
}

/** Of the differences. */
export function distance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += (a[at] - b[at]) ** 2;
  return Math.sqrt(sum);
}

/** Norms that are known already. */
export function knownNorms(names: readonly string[], values: Awaited<ReturnType<LazyNorms['read']>>): LazyNorms {
  return { names, read: async () => values, dispose: () => {} };
}
