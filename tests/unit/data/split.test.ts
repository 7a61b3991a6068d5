// Splits: exact counts, strata, seeds, and no content on both sides.

import { describe, expect, test } from 'vitest';
import { classesOf } from '$lib/core/annotations';
import { shuffle, mulberry32 } from '$lib/core/random';
import { makeSplit, type SplitItem } from '$lib/data/split';
import type { SplitName, SplitSettings } from '$lib/storage/records';

const settings: SplitSettings = { source: 'fractions', val: 0.15, test: 0.15, stratified: true, seed: 1 };

function items(counts: readonly number[]): SplitItem[] {
  return counts.flatMap((count, label) =>
    Array.from({ length: count }, (_, i) => ({
      path: `${label}/${i}.jpg`,
      blob: `blob-${label}-${i}`,
      annotation: { kind: 'class', class: label } as const,
    })),
  );
}

function countBy(list: readonly SplitItem[], splits: readonly SplitName[], split: SplitName): number[] {
  const counts: number[] = [];
  list.forEach(({ annotation }, i) => {
    if (annotation.kind !== 'class') return;
    counts[annotation.class] = (counts[annotation.class] ?? 0) + (splits[i] === split ? 1 : 0);
  });
  return counts;
}

describe('fractions', () => {
  test('counts are the rounded fractions of the whole', () => {
    const list = items([1000, 1001, 999, 1000, 1000, 1000, 1000, 1000, 1000, 1000]);
    const { counts } = makeSplit(list, { ...settings, val: 0, test: 0.2 });
    expect(counts).toEqual({ train: 8000, val: 0, test: 2000 });
  });

  test('each class is divided alike', () => {
    const list = items([100, 20, 40]);
    const { splits } = makeSplit(list, settings);
    expect(countBy(list, splits, 'test')).toEqual([15, 3, 6]);
    expect(countBy(list, splits, 'val')).toEqual([15, 3, 6]);
  });

  test('many small classes still fill val and test as a whole', () => {
    const list = items(new Array<number>(50).fill(4));
    const { counts, splits } = makeSplit(list, settings);
    expect(counts).toEqual({ train: 140, val: 30, test: 30 });
    expect(Math.min(...countBy(list, splits, 'train'))).toBeGreaterThanOrEqual(1);
  });

  test('every class keeps an image to train with, even a class of one', () => {
    for (const stratified of [true, false]) {
      const list = items([1, 2, 3, 60]);
      const { splits } = makeSplit(list, { ...settings, val: 0.45, test: 0.45, stratified });
      expect(Math.min(...countBy(list, splits, 'train'))).toBeGreaterThanOrEqual(1);
    }
  });

  test('the same seed gives the same split whatever the order, another seed another', () => {
    const list = items([40, 60]);
    const mixed = shuffle([...list], mulberry32(5));
    const splitOf = (order: readonly SplitItem[], seed: number) => {
      const { splits } = makeSplit(order, { ...settings, seed });
      return Object.fromEntries(order.map(({ path }, i) => [path, splits[i]]));
    };
    expect(splitOf(mixed, 1)).toEqual(splitOf(list, 1));
    expect(splitOf(list, 2)).not.toEqual(splitOf(list, 1));
  });

  test('other file names for the same contents change nothing', () => {
    const list = items([40, 60]);
    const renamed = list.map((item, i) => ({ ...item, path: `${(i * 37) % 100}.jpg` }));
    expect(makeSplit(renamed, settings).splits).toEqual(makeSplit(list, settings).splits);
  });

  test('the same content is never on both sides, not even under two labels', () => {
    const list = items([60, 60]).map((item, i) => ({ ...item, blob: `blob-${i % 25}` }));
    for (const stratified of [true, false]) {
      const { splits, counts } = makeSplit(list, { ...settings, stratified });
      const places = new Map<string, Set<SplitName>>();
      list.forEach(({ blob }, i) => places.set(blob, (places.get(blob) ?? new Set()).add(splits[i])));
      expect([...places.values()].every((splitsOfContent) => splitsOfContent.size === 1)).toBe(true);
      expect(counts.val).toBeGreaterThan(0);
      expect(counts.test).toBeGreaterThan(0);
    }
  });

  test('without strata the whole is divided', () => {
    const { counts } = makeSplit(items([70, 30]), { ...settings, stratified: false });
    expect(counts).toEqual({ train: 70, val: 15, test: 15 });
  });

  test.each([
    [0.5, 0.5],
    [-0.1, 0.2],
    [NaN, 0.1],
  ])('val %d and test %d are refused', (val, test) => {
    expect(() => makeSplit(items([5, 5]), { ...settings, val, test })).toThrow(/leaves nothing to train with/);
  });
});

describe('several classes an image', () => {
  /** 200 images; class 0 in half of them, 1 in a fifth, 2 in a twentieth, in all combinations. */
  const list = Array.from({ length: 200 }, (_, i): SplitItem => {
    const classes = [2, 5, 20].flatMap((every, index) => (i % every === 0 ? [index] : []));
    return { path: `${i}.jpg`, blob: `blob-${i}`, annotation: { kind: 'classes', classes } };
  });
  const share = (items: readonly SplitItem[], splits: readonly SplitName[], index: number) => {
    const own = items.flatMap(({ annotation }, i) => (classesOf(annotation).includes(index) ? [splits[i]] : []));
    return own.filter((split) => split === 'test').length / own.length;
  };

  test('each common combination gets its share, and so each class', () => {
    for (let seed = 0; seed < 10; seed++) {
      const { splits, counts } = makeSplit(list, { ...settings, val: 0, test: 0.2, seed });
      expect(counts.test).toBe(40);
      for (const index of [0, 1, 2]) expect(share(list, splits, index)).toBeCloseTo(0.2, 10);
    }
  });

  test('rare combinations are divided by their rarest class', () => {
    // 64 combinations of six classes, hardly any of them twice; class 0 in a tenth of the images.
    const random = mulberry32(1);
    const mixed = Array.from({ length: 100 }, (_, i): SplitItem => {
      const others = [1, 2, 3, 4, 5].filter(() => random() < 0.5);
      const classes = i % 10 === 0 ? [0, ...others] : others;
      return { path: `${i}.jpg`, blob: `blob-${i}`, annotation: { kind: 'classes', classes } };
    });
    for (let seed = 0; seed < 10; seed++) {
      const { splits } = makeSplit(mixed, { ...settings, val: 0, test: 0.2, seed });
      expect(share(mixed, splits, 0)).toBe(0.2);
    }
  });

  test('an image alone in its class stays in train', () => {
    const rare: SplitItem = { path: 'x', blob: 'x', annotation: { kind: 'classes', classes: [0, 3] } };
    for (let seed = 0; seed < 10; seed++) {
      expect(makeSplit([...list, rare], { ...settings, seed }).splits.at(-1)).toBe('train');
    }
  });
});

describe('folders', () => {
  const folders: SplitSettings = { ...settings, source: 'folders' };
  const from = (counts: Readonly<Partial<Record<SplitName, number>>>) =>
    Object.entries(counts).flatMap(([folderSplit, count]) =>
      items([count, count]).map((item) => ({
        ...item,
        path: `${folderSplit}/${item.path}`,
        blob: folderSplit + item.blob,
        folderSplit: folderSplit as SplitName, // Object.entries loses the keys' type.
      })),
    );

  test("the folders' own splits are kept", () => {
    const list = from({ train: 10, val: 5, test: 7 });
    const { splits, settings: applied } = makeSplit(list, folders);
    expect(splits).toEqual(list.map(({ folderSplit }) => folderSplit));
    expect(applied.source).toBe('folders');
  });

  test('what is missing is taken from train by its fraction of train', () => {
    expect(makeSplit(from({ train: 20, test: 10 }), folders).counts).toEqual({ train: 34, val: 6, test: 20 });
    expect(makeSplit(from({ train: 20, val: 10 }), folders).counts).toEqual({ train: 34, val: 20, test: 6 });
    expect(makeSplit(from({ train: 20 }), folders).counts).toEqual({ train: 28, val: 6, test: 6 });
    expect(makeSplit(from({ train: 20, test: 10 }), { ...folders, val: 0 }).counts).toEqual({
      train: 40,
      val: 0,
      test: 20,
    });
  });

  test('without split folders it is a split by fractions, and says so', () => {
    const { counts, settings: applied } = makeSplit(items([10, 10]), folders);
    expect(counts).toEqual({ train: 14, val: 3, test: 3 });
    expect(applied.source).toBe('fractions');
  });
});
