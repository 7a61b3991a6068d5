// The nearest of ascending numbers.

/** Index of the value nearest to `x`, the lower one of two that are as near; -1 for no values. `xs` ascends. */
export function nearestIndex(xs: readonly number[], x: number): number {
  let low = 0;
  let high = xs.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (xs[middle] <= x) low = middle;
    else high = middle;
  }
  if (high < 0) return -1;
  return Math.abs(xs[high] - x) < Math.abs(xs[low] - x) ? high : low;
}
