// What is drawn of series, and the same as CSV.
import { expect, test } from 'vitest';
import { nearestIndex } from '$lib/core/nearest';
import { csvOf, drawnSeries, type Series } from '../../../src/lib/ui/charts/series';

const loss: Series = { id: 'loss', label: 'training', color: 'red', x: [1, 2, 3], y: [4, 0, -1] };
const limit: Series = { id: 'limit', label: 'granted', color: 'red', x: [1, 2, 3], y: [9, 8, 7], plain: true };
const plain = { smoothing: 0, logarithmic: false, stacked: false };

test('on a logarithmic scale zero and less are gaps', () => {
  expect(drawnSeries([loss], { ...plain, logarithmic: true })[0].y).toEqual([4, null, null]);
  expect(drawnSeries([loss], plain)[0].y).toEqual([4, 0, -1]);
});

test('a smoothed curve lies over its pale self; a limit and what is pale already stay as they are', () => {
  const pale: Series = { ...loss, id: 'pale', faint: true };
  const drawn = drawnSeries([pale, loss, limit], { ...plain, smoothing: 0.5 });
  expect(drawn.map(({ id, faint }) => [id, faint ?? false])).toEqual([
    ['pale', true],
    ['loss-raw', true],
    ['loss', false],
    ['limit', false],
  ]);
  expect(drawn[1].y).toEqual(loss.y);
  expect(drawn[2].y[1]).toBeCloseTo((0.5 * 4) / 1.5, 12);
  expect(drawn[3].y).toEqual(limit.y);
});

test('stacked parts are sums from the bottom up, the tallest drawn first', () => {
  const part = (id: string, y: (number | null)[]): Series => ({ ...loss, id, y });
  const drawn = drawnSeries([part('a', [1, 2, 3]), part('b', [10, null, 30])], { ...plain, stacked: true });
  expect(drawn.map(({ id, y }) => [id, y])).toEqual([
    ['b', [11, 2, 33]],
    ['a', [1, 2, 3]],
  ]);
});

test('the CSV has the values themselves, with a column more for what smoothing makes of them', () => {
  expect(csvOf([loss, limit], 'step')).toBe('step,training,granted\r\n1,4,9\r\n2,0,8\r\n3,-1,7\r\n');
  const [head, , second] = csvOf([loss, limit], 'step', 0.5).split('\r\n');
  expect(head).toBe('step,training,training (smoothed 0.5),granted');
  expect(second.split(',').map(Number)).toEqual([2, 0, expect.closeTo(4 / 3, 12), 8]);
});

test('the nearest value is found between, before and behind them', () => {
  const xs = [1, 2, 4, 8];
  expect([0, 1.4, 1.6, 3, 3.1, 7, 99].map((x) => xs[nearestIndex(xs, x)])).toEqual([1, 1, 2, 2, 4, 8, 8]);
  expect(nearestIndex([], 1)).toBe(-1);
  expect(nearestIndex([5], 1)).toBe(0);
});
