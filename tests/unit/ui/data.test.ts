// What the data screen computes: filters, counts, problems in words, files per class.
import { describe, expect, test } from 'vitest';
import type { DatasetVersionRecord, Item, SplitName } from '$lib/storage/records';
import { countItems, filterItems, readFilter } from '$lib/ui/data/filter';
import { groupProblems } from '$lib/ui/data/problems';
import { filesPerClass, problemOf } from '$lib/ui/import/per-class';

const item = (path: string, index: number, split: SplitName): Item => ({
  path,
  blob: path,
  width: 1,
  height: 1,
  bytes: 1,
  annotation: { kind: 'class', class: index },
  split,
});

const version: DatasetVersionRecord = {
  id: 'v',
  datasetId: 'd',
  projectId: 'p',
  number: 1,
  createdAt: 0,
  parentId: null,
  change: '',
  classes: [{ name: 'cat' }, { name: 'dog' }],
  items: [
    item('cat/1.png', 0, 'train'),
    item('cat/2.png', 0, 'test'),
    item('dog/1.png', 1, 'train'),
    item('dog/Rex.png', 1, 'val'),
  ],
  split: { source: 'fractions', val: 0.1, test: 0.1, stratified: true, seed: 0 },
  statistics: { mean: [0, 0, 0], std: [1, 1, 1], sampled: 0, sizes: [], otherSizes: 0, bytes: 0 },
  problems: [
    { kind: 'duplicate', paths: ['cat/1.png', 'dog/1.png'], sameLabel: false, acrossSplits: false },
    { kind: 'duplicate', paths: ['cat/1.png', 'cat/2.png'], sameLabel: true, acrossSplits: true },
    { kind: 'unreadable', path: 'cat/bad.png', reason: 'It is text.' },
  ],
};

describe('filters', () => {
  const shown = (query: string, hidden: string[] = []) =>
    filterItems(version, readFilter(new URLSearchParams(query)), new Set(hidden)).map(({ path }) => path);

  test('an address without filters shows everything', () => {
    expect(shown('')).toHaveLength(4);
  });

  test('class, split and text narrow together, text without case', () => {
    expect(shown('class=dog')).toEqual(['dog/1.png', 'dog/Rex.png']);
    expect(shown('class=dog&split=val')).toEqual(['dog/Rex.png']);
    expect(shown('q=REX')).toEqual(['dog/Rex.png']);
    expect(shown('class=cat&q=rex')).toEqual([]);
  });

  test('a kind of problem shows the images that it names', () => {
    expect(shown('problem=leak')).toEqual(['cat/1.png', 'cat/2.png']);
    expect(shown('problem=conflict')).toEqual(['cat/1.png', 'dog/1.png']);
  });

  test('an unknown split or problem in the address is ignored, an unknown class shows nothing', () => {
    expect(shown('split=best&problem=ugly')).toHaveLength(4);
    expect(shown('class=bird')).toEqual([]);
  });

  test('images just taken out are gone at once', () => {
    expect(shown('class=dog', ['dog/1.png'])).toEqual(['dog/Rex.png']);
  });
});

test('counts go by class and by split', () => {
  expect(countItems(version)).toEqual({
    classes: [2, 2],
    splits: { train: 2, val: 1, test: 1 },
    perClass: [
      { train: 1, val: 0, test: 1 },
      { train: 1, val: 1, test: 0 },
    ],
  });
});

test('problems are grouped, the most pressing first, with numbers that agree in number', () => {
  const groups = groupProblems(version.problems);
  expect(groups.map(({ id }) => id)).toEqual(['conflict', 'leak', 'unreadable']);
  expect(groups[0].text).toBe('1 image has more than one label.');
  expect(groupProblems([]).length).toBe(0);
  const [two] = groupProblems([
    { kind: 'unreadable', path: 'a', reason: '' },
    { kind: 'unreadable', path: 'b', reason: '' },
  ]);
  expect(two.text).toBe('2 files could not be read and are not part of the data set.');
});

describe('files per class', () => {
  const file = (name: string) => new File(['x'], name);

  test('become a folder per class; equal names stay apart', () => {
    const files = filesPerClass([
      { name: ' cat ', files: [file('1.png'), file('1.png')] },
      { name: 'a/b', files: [file('1.png'), file('noext'), file('noext')] },
    ]);
    expect(files.map(({ path }) => path)).toEqual([
      'cat/1.png',
      'cat/1-2.png',
      'a-b/1.png',
      'a-b/noext',
      'a-b/noext-2',
    ]);
  });

  test('say what is missing before they can be imported', () => {
    const some = [file('1.png')];
    expect(problemOf([{ name: '', files: some }])).toBe('Name the class of the 1 chosen files.');
    expect(problemOf([{ name: 'cat', files: some }])).toBe('Name at least two classes and choose images for each.');
    expect(
      problemOf([
        { name: 'cat', files: some },
        { name: 'Cat', files: some },
      ]),
    ).toMatch(/^Two classes are named/);
    expect(
      problemOf([
        { name: 'cat', files: some },
        { name: 'dog', files: [] },
      ]),
    ).toBe('Choose images for "dog".');
    expect(
      problemOf([
        { name: 'cat', files: some },
        { name: 'dog', files: some },
        { name: '', files: [] },
      ]),
    ).toBeNull();
  });
});
