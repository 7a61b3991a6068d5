import { describe, expect, test } from 'vitest';
import { resamplePositionEmbedding } from '$lib/models/position-embedding';
import fixture from '../../fixtures/models/position-embedding.json';

/** The numbers that make-position-embedding.py gives torch. */
function valuesOf(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, index) => ((index * 37) % 101) / 64 - 0.75);
}

describe('a position embedding is resampled as torch does it', () => {
  test.each(fixture.cases)('$from to $to', ({ from, to, width, prefixTokens, expected }) => {
    const values = valuesOf((from[0] * from[1] + prefixTokens) * width);
    const result = resamplePositionEmbedding(values, [from[0], from[1]], [to[0], to[1]], width, prefixTokens);
    expect(result.length).toBe(expected.length);
    const worst = Math.max(...expected.map((value, at) => Math.abs(value - result[at])));
    // The file has six decimals of numbers up to 1; torch's sums are float32.
    expect(worst).toBeLessThan(2e-6);
  });
});

test('the class token is not moved, and the same size changes nothing', () => {
  const values = valuesOf(17 * 2);
  expect(resamplePositionEmbedding(values, [4, 4], [4, 4], 2, 1)).toEqual(values);
  expect(resamplePositionEmbedding(values, [4, 4], [2, 2], 2, 1).subarray(0, 2)).toEqual(values.subarray(0, 2));
});

test('a constant stays a constant at the edges too', () => {
  const result = resamplePositionEmbedding(new Float32Array(9).fill(0.25), [3, 3], [5, 7], 1, 0);
  expect(Math.max(...result.map((value) => Math.abs(value - 0.25)))).toBeLessThan(1e-7);
});
