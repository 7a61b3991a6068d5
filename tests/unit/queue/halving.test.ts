// Who goes on in successive halving, and what a group says as a whole.
import { expect, it } from 'vitest';
import { meanAndDeviation, nextRung, ranked, survivors } from '$lib/queue/halving';

const of = (values: Record<string, number | null>) =>
  Object.entries(values).map(([runId, value]) => ({ runId, value }));
const sweep = { method: 'halving', space: {}, trials: 9, seed: 0, minimum: 1, maximum: 9, factor: 3 } as const;
const higher = { name: 'val_accuracy', better: 'higher' } as const;

it('lets the best go on, never one that failed', () => {
  const standings = of({ a: 0.2, b: 0.9, c: null, d: 0.5, e: Number.NaN });
  expect(survivors(standings, 2, 'higher')).toEqual(['b', 'd']);
  expect(survivors(standings, 2, 'lower')).toEqual(['a', 'd']);
  expect(survivors(standings, 9, 'higher')).toEqual(['b', 'd', 'a']);
});

it('keeps the order of those that are equal', () => {
  expect(ranked(of({ a: 0.5, b: 0.5, c: 0.7 }), 'higher').map(({ runId }) => runId)).toEqual(['c', 'a', 'b']);
});

it('plans rung after rung, and then nothing', () => {
  const first = of({ a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7, h: 8, i: 9 });
  const one = nextRung({ sweep, rungs: [], metric: higher }, first);
  expect(one).toEqual({ done: { epochs: 1, survivors: ['i', 'h', 'g'] }, more: 2 });
  const two = nextRung({ sweep, rungs: [{ epochs: 1, survivors: [] }], metric: higher }, of({ g: 3, h: 9, i: 1 }));
  expect(two).toEqual({ done: { epochs: 3, survivors: ['h'] }, more: 6 });
  const rungs = [1, 3].map((epochs) => ({ epochs, survivors: [] }));
  expect(nextRung({ sweep, rungs, metric: higher }, of({ h: 9 }))).toBeNull();
  expect(nextRung({ sweep, rungs: [], metric: higher }, of({ a: null }))).toBeNull();
  expect(nextRung({ sweep: { method: 'folds', folds: 3 }, rungs: [], metric: higher }, first)).toBeNull();
});

it('gives mean and sample deviation', () => {
  expect(meanAndDeviation([])).toEqual({ mean: null, deviation: null });
  expect(meanAndDeviation([3])).toEqual({ mean: 3, deviation: null });
  // By hand: mean 5, squares 9 + 1 + 1 + 1 + 0 + 0 + 4 + 16 = 32 over 7.
  const { mean, deviation } = meanAndDeviation([2, 4, 4, 4, 5, 5, 7, 9]);
  expect(mean).toBe(5);
  expect(deviation).toBeCloseTo(Math.sqrt(32 / 7), 12);
});
