// Wilson's interval against the table of Newcombe (1998), Statistics in Medicine 17, 857-872, method 3, four decimals.
import { expect, test } from 'vitest';
import { wilsonInterval } from '$lib/metrics/interval';

test.each([
  [81, 263, 0.2553, 0.3662],
  [15, 148, 0.0624, 0.1605],
  [0, 20, 0, 0.1611],
  [1, 29, 0.0061, 0.1718],
])('%i of %i is the published interval', (right, count, low, high) => {
  const found = wilsonInterval(right / count, count);
  // Half of the last printed decimal.
  expect(found?.low).toBeCloseTo(low, 4);
  expect(found?.high).toBeCloseTo(high, 4);
});

test('it stays within 0 and 1 and mirrors', () => {
  expect(wilsonInterval(1, 5)?.high).toBe(1);
  expect(wilsonInterval(0, 5)?.low).toBe(0);
  expect(wilsonInterval(1, 5)?.low).toBeCloseTo(1 - (wilsonInterval(0, 5)?.high ?? NaN), 12);
});

test('without images there is none', () => {
  expect(wilsonInterval(0, 0)).toBeNull();
  expect(wilsonInterval(NaN, 10)).toBeNull();
});
