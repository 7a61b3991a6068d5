// Channel statistics, sizes and problems of a version.

import { expect, test } from 'vitest';
import { measurePixels, momentsOfSums } from '$lib/data/moments';
import { computeStatistics, findProblems, packMoments, refreshProblems, selectMoments } from '$lib/data/statistics';
import type { Item } from '$lib/storage/records';

function item(path: string, change: Partial<Item> = {}): Item {
  const annotation = { kind: 'class', class: 0 } as const;
  return { path, blob: path, width: 2, height: 1, bytes: 10, annotation, split: 'train', ...change };
}

const black = measurePixels({ width: 2, height: 1, channels: 3, data: new Uint8Array([0, 0, 0, 0, 0, 0]) });
const redWhite = measurePixels({ width: 2, height: 1, channels: 3, data: new Uint8Array([255, 0, 0, 255, 255, 255]) });

test('mean and deviation are those of all pixels of train', () => {
  const items = [item('a'), item('b'), item('c', { split: 'val' })];
  const channels = packMoments([black.moments, redWhite.moments, redWhite.moments]);
  const { mean, std, sampled } = computeStatistics(items, channels);
  // Red: 0 0 1 1. Green and blue: 0 0 0 1.
  expect(mean).toEqual([0.5, 0.25, 0.25]);
  expect(std[0]).toBeCloseTo(0.5, 7);
  expect(std[1]).toBeCloseTo(Math.sqrt(3) / 4, 7);
  expect(sampled).toBe(2);
});

test('a version without train images is measured whole', () => {
  const { sampled, mean } = computeStatistics([item('a', { split: 'test' })], packMoments([redWhite.moments]));
  expect([sampled, mean[0]]).toEqual([1, 1]);
});

test('grey pixels count in each channel, and the decoder’s sums mean the same', () => {
  const grey = measurePixels({ width: 2, height: 1, channels: 1, data: new Uint8Array([51, 255]) });
  expect(grey.moments).toEqual(momentsOfSums([306, 306, 306], [67626, 67626, 67626], 2));
  expect(grey.moments[0]).toBeCloseTo(0.6, 12);
});

test('sizes are counted, the most frequent first, and the rest summed', () => {
  const items = Array.from({ length: 60 }, (_, i) => item(String(i), { width: i + 1 }));
  items.push(item('again', { width: 33 }));
  const { sizes, otherSizes, bytes } = computeStatistics(items, new Float32Array(items.length * 6));
  expect(sizes[0]).toEqual({ width: 33, height: 1, count: 2 });
  expect([sizes.length, otherSizes, bytes]).toEqual([50, 10, 610]);
});

test('duplicates say whether labels and splits differ; small classes are named', () => {
  const other = { kind: 'class', class: 1 } as const;
  const items = [
    ...Array.from({ length: 10 }, (_, i) => item(`a${i}`)),
    item('a10', { blob: 'a0' }),
    item('b0', { blob: 'a1', annotation: other, split: 'test' }),
  ];
  expect(findProblems({ items, classes: [{ name: 'cat' }, { name: 'dog' }] })).toEqual([
    { kind: 'duplicate', paths: ['a0', 'a10'], sameLabel: true, acrossSplits: false },
    { kind: 'duplicate', paths: ['a1', 'b0'], sameLabel: false, acrossSplits: true },
    { kind: 'small-class', class: 'dog', count: 1 },
  ]);
});

test('copies with the same several classes agree, and each class counts its images', () => {
  const said = (...classes: number[]) => ({ annotation: { kind: 'classes', classes } as const, blob: 'same' });
  const rest = Array.from({ length: 9 }, (_, i) => item(`r${i}`, { annotation: { kind: 'classes', classes: [0, 1] } }));
  const classes = [{ name: 'sky' }, { name: 'sea' }];
  const found = (...copies: Item[]) => findProblems({ items: [...rest, ...copies], classes });
  expect(found(item('a', said(0)), item('b', said(0)))).toEqual([
    { kind: 'duplicate', paths: ['a', 'b'], sameLabel: true, acrossSplits: false },
    { kind: 'small-class', class: 'sea', count: 9 },
  ]);
  expect(found(item('a', said(0)), item('b', said(0, 1)))).toMatchObject([{ kind: 'duplicate', sameLabel: false }]);
});

test('after an edit what happened while reading is still told', () => {
  const unreadable = { kind: 'unreadable', path: 'x', reason: 'empty' } as const;
  const stale = { kind: 'small-class', class: 'gone', count: 1 } as const;
  const items = Array.from({ length: 10 }, (_, i) => item(`a${i}`));
  expect(refreshProblems({ items, classes: [{ name: 'cat' }], problems: [unreadable, stale] })).toEqual([unreadable]);
});

test('rows follow the items that are kept', () => {
  const channels = packMoments([black.moments, redWhite.moments]);
  expect([...selectMoments(channels, [1])]).toEqual([...packMoments([redWhite.moments])]);
});
