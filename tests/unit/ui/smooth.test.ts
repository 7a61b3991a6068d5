// Smoothing of curves, against the sums written out.
import { expect, test } from 'vitest';
import { smoothed } from '../../../src/lib/ui/charts/smooth';

test('each value is the weighted mean of all before it, the weights adding up to one', () => {
  const values = [4, 2, 8, 6];
  const weight = 0.6;
  const expected = values.map((_, row) => {
    const weights = values.slice(0, row + 1).map((__, past) => weight ** (row - past));
    const sum = weights.reduce((total, one) => total + one, 0);
    return weights.reduce((total, one, past) => total + one * values[past], 0) / sum;
  });
  smoothed(values, weight).forEach((value, row) => expect(value).toBeCloseTo(expected[row], 12));
});

test('the first value is itself: there is no pull to zero', () => {
  expect(smoothed([5, 6], 0.99)[0]).toBeCloseTo(5, 12);
});

test('no weight changes nothing, and a constant stays exactly what it is', () => {
  expect(smoothed([1, null, 3], 0)).toEqual([1, null, 3]);
  expect(smoothed([0.1, null, 0.1, 0.1], 0.9)).toEqual([0.1, null, 0.1, 0.1]);
});

test('gaps and what is no finite number stay and are not counted', () => {
  const [a, gap, odd, b] = smoothed([1, null, NaN, 3], 0.5);
  expect([a, gap, odd]).toEqual([1, null, NaN]);
  // As if 3 came right behind 1: (0.5 * 1 + 1 * 3) / 1.5.
  expect(b).toBeCloseTo(3.5 / 1.5, 12);
});
