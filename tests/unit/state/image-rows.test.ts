// Which images of an evaluation are shown and in what order.
import { expect, test } from 'vitest';
import { answerOf, confusedPairs, isRight, probabilitiesOf, rowsOf, truthOf } from '$lib/state/image-rows';
import { allShares, shareOf } from '$lib/ui/evaluate/matrix';

const images = {
  paths: ['b', 'a', 'd', 'c'],
  trueClass: Int32Array.of(0, 0, 1, 1),
  predictedClass: Int32Array.of(0, 1, 1, 0),
  confidence: Float32Array.of(0.9, 0.6, 0.7, 0.8),
  loss: Float32Array.of(0.1, 0.9, 0.3, 1.6),
  probabilities: Float32Array.of(0.9, 0.1, 0.4, 0.6, 0.3, 0.7, 0.8, 0.2),
};
const any = { truth: null, predicted: null, verdict: 'all' } as const;

test.each([
  ['loss', [3, 1, 2, 0]],
  ['confident', [0, 3, 2, 1]],
  ['unsure', [1, 2, 3, 0]],
  ['path', [1, 0, 3, 2]],
] as const)('sorted by %s', (order, expected) => {
  expect(rowsOf(images, any, order)).toEqual(expected);
});

test('a cell of the matrix is a true class and an answer', () => {
  expect(rowsOf(images, { ...any, truth: 1, predicted: 0 }, 'path')).toEqual([3]);
  expect(rowsOf(images, { ...any, truth: 0 }, 'path')).toEqual([1, 0]);
});

test('wrong and right answers are told apart', () => {
  expect(rowsOf(images, { ...any, verdict: 'wrong' }, 'loss')).toEqual([3, 1]);
  expect(rowsOf(images, { ...any, verdict: 'right' }, 'loss')).toEqual([2, 0]);
});

test('probabilities of a row come highest first with their classes', () => {
  const found = probabilitiesOf(images, 1);
  expect(found.map((one) => one.class)).toEqual([1, 0]);
  expect(found[0].probability).toBeCloseTo(0.6, 6);
});

test('of several classes all must be said and no other', () => {
  const several = {
    ...images,
    trueClass: Int32Array.of(0, 0, -1, 1),
    // b is both, a is the first, d is none, c is the second.
    trueClasses: Uint8Array.of(1, 1, 1, 0, 0, 0, 0, 1),
    probabilities: Float32Array.of(0.9, 0.8, 0.4, 0.6, 0.3, 0.2, 0.5, 0.7),
  };
  expect([0, 1, 2, 3].map((row) => truthOf(several, row))).toEqual([[0, 1], [0], [], [1]]);
  expect([0, 1, 2, 3].map((row) => answerOf(several, row))).toEqual([[0, 1], [1], [], [1]]);
  expect([0, 1, 2, 3].map((row) => isRight(several, row))).toEqual([true, false, true, true]);
  expect(rowsOf(several, { ...any, truth: 1 }, 'path')).toEqual([0, 3]);
  expect(rowsOf(several, { ...any, predicted: 1, verdict: 'wrong' }, 'path')).toEqual([1]);
});

const matrix = [
  [8, 2, 0],
  [5, 5, 0],
  [0, 0, 0],
];

test('the most frequent mistakes come first, with their share of the true class', () => {
  expect(confusedPairs(matrix, 5)).toEqual([
    { truth: 1, predicted: 0, count: 5, share: 0.5 },
    { truth: 0, predicted: 1, count: 2, share: 0.2 },
  ]);
  expect(confusedPairs(matrix, 1)).toHaveLength(1);
});

test('shares by row and by column, of an empty line none', () => {
  expect(shareOf(matrix, 0, 0, 'row')).toBe(0.8);
  expect(shareOf(matrix, 0, 0, 'column')).toBeCloseTo(8 / 13, 12);
  expect(shareOf(matrix, 2, 2, 'row')).toBeNull();
  const shares = allShares(matrix, 'row');
  expect([...shares.subarray(0, 2)].map((share) => Number(share.toFixed(6)))).toEqual([0.8, 0.2]);
  expect(shares[8]).toBe(0);
  // 2 of the 7 that were called the second class.
  expect(allShares(matrix, 'column')[1]).toBeCloseTo(2 / 7, 6);
});
