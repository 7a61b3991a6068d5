// Edits of a data set: a new version each time, the old one untouched, the numbers those of a fresh import.

import { describe, expect, test } from 'vitest';
import { exclude, renameClasses, resplit, setHead } from '$lib/data/versions';
import { getDataset, getVersion, listVersions } from '$lib/storage/datasets';
import type { DatasetVersionRecord } from '$lib/storage/records';
import type { Database } from '$lib/storage/schema';
import { openFresh } from '../storage/open';
import { SPLIT, filesSource, pictures, runImport } from './support';

async function imported(
  classes: readonly string[],
  perClass = 10,
): Promise<{ database: Database; first: DatasetVersionRecord }> {
  const database = await openFresh();
  const { summary } = await runImport(database, filesSource('set', await pictures(classes, perClass)));
  return { database, first: await getVersion(database, summary.versionId) };
}

function countSplits({ items }: DatasetVersionRecord): number[] {
  return ['train', 'val', 'test'].map((split) => items.filter((item) => item.split === split).length);
}

function labels({ items, classes }: DatasetVersionRecord): string[] {
  return items.map(({ annotation }) => (annotation.kind === 'class' ? classes[annotation.class].name : '-'));
}

/** The head and the version that it was made from are what they should be. */
async function expectHistory(
  database: Database,
  first: DatasetVersionRecord,
  next: DatasetVersionRecord,
): Promise<void> {
  expect(await getVersion(database, next.id)).toEqual(next);
  expect(await getVersion(database, first.id)).toEqual(first);
  expect(next).toMatchObject({ parentId: first.id, number: 2 });
  expect((await getDataset(database, first.datasetId)).headVersionId).toBe(next.id);
}

describe('a new split', () => {
  test('moves images, changes nothing else, and measures train anew', async () => {
    const { database, first } = await imported(['a', 'b']);
    const next = await resplit(database, first.id, { ...SPLIT, source: 'fractions', val: 0.1, test: 0.4 });
    expect(countSplits(first)).toEqual([12, 4, 4]);
    expect(countSplits(next)).toEqual([10, 2, 8]);
    expect(next.change).toBe('Split 50 / 10 / 40');
    expect(next.items.map(({ path }) => path)).toEqual(first.items.map(({ path }) => path));
    expect(next.statistics.sampled).toBe(10);
    expect(next.statistics.mean).not.toEqual(first.statistics.mean);
    await expectHistory(database, first, next);
  });

  test('that goes back has the statistics of the import to the last bit', async () => {
    const { database, first } = await imported(['a', 'b']);
    const away = await resplit(database, first.id, { ...SPLIT, seed: 99 });
    const back = await resplit(database, away.id, first.split);
    expect(back.items).toEqual(first.items);
    expect(back.statistics).toEqual(first.statistics);
  });

  test('that is impossible changes nothing', async () => {
    const { database, first } = await imported(['a', 'b']);
    await expect(resplit(database, first.id, { ...SPLIT, val: 0.5, test: 0.5 })).rejects.toMatchObject({
      code: 'bad-split',
    });
    expect(await listVersions(database, first.datasetId)).toHaveLength(1);
  });
});

describe('class names', () => {
  test('are changed everywhere', async () => {
    const { database, first } = await imported(['a', 'b']);
    const next = await renameClasses(database, first.id, ['ant', ' b ']);
    expect(next.classes).toEqual([{ name: 'ant' }, { name: 'b' }]);
    expect(next.change).toBe('Renamed "a" to "ant"');
    expect(next.items).toEqual(first.items);
    await expectHistory(database, first, next);
  });

  test('that become equal are merged', async () => {
    const { database, first } = await imported(['a', 'b', 'c']);
    const next = await renameClasses(database, first.id, ['ab', 'ab', 'c']);
    expect(next.classes.map(({ name }) => name)).toEqual(['ab', 'c']);
    expect(labels(next)).toEqual(labels(first).map((name) => (name === 'c' ? 'c' : 'ab')));
  });

  test.each([
    ['an empty one', ['a', ' '], 'class-names'],
    ['too few', ['a'], 'class-names'],
    ['all the same', ['a', 'a'], 'one-class'],
  ])('%s is refused', async (_, names, code) => {
    const { database, first } = await imported(['a', 'b'], 2);
    await expect(renameClasses(database, first.id, names)).rejects.toMatchObject({ code });
    expect(await listVersions(database, first.datasetId)).toHaveLength(1);
  });
});

describe('excluded images', () => {
  test('are gone from the new version only', async () => {
    const { database, first } = await imported(['a', 'b']);
    const next = await exclude(database, first.id, ['a/0.png', 'a/1.png']);
    expect(next.items.map(({ path }) => path)).toEqual(
      first.items.map(({ path }) => path).filter((path) => !['a/0.png', 'a/1.png'].includes(path)),
    );
    expect(next.change).toBe('Excluded 2 images');
    expect(next.problems).toEqual([{ kind: 'small-class', class: 'a', count: 8 }]);
    await expectHistory(database, first, next);
    await setHead(database, first.datasetId, first.id);
    expect((await getDataset(database, first.datasetId)).headVersionId).toBe(first.id);
  });

  test('may be all of a class, which then goes', async () => {
    const { database, first } = await imported(['a', 'b', 'c'], 2);
    const next = await exclude(database, first.id, ['a/0.png', 'a/1.png']);
    expect(next.classes).toEqual([{ name: 'b' }, { name: 'c' }]);
    expect(labels(next)).toEqual(['b', 'b', 'c', 'c']);
    await expect(exclude(database, next.id, ['b/0.png', 'b/1.png'])).rejects.toMatchObject({ code: 'one-class' });
  });

  test('must be there', async () => {
    const { database, first } = await imported(['a', 'b'], 2);
    await expect(exclude(database, first.id, ['a/7.png'])).rejects.toMatchObject({
      code: 'path-missing',
      message: expect.stringContaining('"a/7.png"') as string,
    });
  });
});

test('edits of an older version are numbered after the newest', async () => {
  const { database, first } = await imported(['a', 'b']);
  await resplit(database, first.id, { ...SPLIT, seed: 5 });
  const branch = await exclude(database, first.id, ['a/0.png']);
  expect(branch).toMatchObject({ number: 3, parentId: first.id });
});
