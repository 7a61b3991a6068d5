// From what a person drops to a list of files: folders, zips, rubbish, and the folder that all share.

import { describe, expect, test } from 'vitest';
import { listNames, readBytes, stripCommonFolder } from '$lib/data/files';
import { listFiles } from '$lib/data/sources';
import { dropped, sourceFiles } from './source';
import { makeZip } from './zip';

async function paths(files: Readonly<Record<string, string>>): Promise<string[]> {
  return (await listFiles(dropped(files))).files.map(({ path }) => path);
}

const zip = makeZip([
  { name: 'set/cat/1.jpg', content: 'cat' },
  { name: 'set/dog/2.jpg', content: 'dog' },
  { name: 'set/.DS_Store', content: 'rubbish' },
  { name: '__MACOSX/set/cat/._1.jpg', content: 'rubbish' },
]);

test('a dropped folder loses the name that all files share', async () => {
  expect(await paths({ 'pets/cat/1.jpg': '', 'pets/dog/2.jpg': '' })).toEqual(['cat/1.jpg', 'dog/2.jpg']);
});

test('what operating systems leave behind is not data', async () => {
  expect(
    await paths({ 'a/1.jpg': '', 'b/1.jpg': '', 'a/.DS_Store': '', 'b/Thumbs.db': '', 'desktop.ini': '' }),
  ).toEqual(['a/1.jpg', 'b/1.jpg']);
});

test('a zip is opened and its content comes through', async () => {
  const { files } = await listFiles([{ path: 'pets.zip', file: zip }]);
  expect(files.map(({ path }) => path)).toEqual(['cat/1.jpg', 'dog/2.jpg']);
  expect(new TextDecoder().decode(await readBytes(files[1]))).toBe('dog');
  expect(await (await files[0].blob()).text()).toBe('cat');
});

test('several zips become a folder each', async () => {
  const { files } = await listFiles([
    { path: 'cats.zip', file: makeZip([{ name: '1.jpg', content: 'x' }]) },
    { path: 'dogs.ZIP', file: makeZip([{ name: '1.jpg', content: 'y' }]) },
  ]);
  expect(files.map(({ path }) => path)).toEqual(['cats/1.jpg', 'dogs/1.jpg']);
});

test('archives inside the data are listed with the remedy', async () => {
  const inner = makeZip([
    { name: 'cat/1.jpg', content: 'x' },
    { name: 'dog/1.jpg', content: 'y' },
    { name: 'more.zip', content: 'PK' },
    { name: 'old.tar.gz', content: 'x' },
  ]);
  const { files, problems } = await listFiles([{ path: 'set.zip', file: inner }]);
  expect(files.map(({ path }) => path)).toEqual(['cat/1.jpg', 'dog/1.jpg']);
  expect(problems).toEqual([
    { kind: 'skipped', path: 'more.zip', reason: 'it is a zip inside the data; unpack it and import the folder' },
    {
      kind: 'skipped',
      path: 'old.tar.gz',
      reason: 'it is an archive that is not a zip; unpack it and import the folder',
    },
  ]);
});

test('nothing at all is an error', async () => {
  await expect(listFiles([])).rejects.toMatchObject({ code: 'no-images' });
  await expect(listFiles([{ path: 'empty.zip', file: makeZip([]) }])).rejects.toMatchObject({
    code: 'no-images',
    message: expect.stringContaining('empty.zip') as string,
  });
});

test('archives alone are an error that names them', async () => {
  const nested = makeZip([{ name: 'images.zip', content: 'PK' }]);
  await expect(listFiles([{ path: 'set.zip', file: nested }])).rejects.toMatchObject({
    code: 'no-images',
    message: expect.stringContaining('"images.zip"') as string,
    hint: 'Unpack them and import the folder.',
  });
});

describe('the common folder', () => {
  test.each([
    ['several levels go', ['a/b/cat/1.jpg', 'a/b/dog/1.jpg'], ['cat/1.jpg', 'dog/1.jpg']],
    ['a single class keeps its folder', ['pets/cat/1.jpg', 'pets/cat/2.jpg'], ['cat/1.jpg', 'cat/2.jpg']],
    [
      'a split keeps its folder',
      ['set/train/cat/1.jpg', 'set/train/dog/1.jpg'],
      ['train/cat/1.jpg', 'train/dog/1.jpg'],
    ],
    ['a stray image does not keep the folder', ['s/x.jpg', 's/a/1.jpg', 's/b/1.jpg'], ['x.jpg', 'a/1.jpg', 'b/1.jpg']],
    ['a table takes the place of class folders', ['s/labels.csv', 's/1.jpg'], ['labels.csv', '1.jpg']],
    ['loose files stay', ['1.jpg', '2.jpg'], ['1.jpg', '2.jpg']],
    ['no files', [], []],
  ])('%s', (_, given, wanted) => {
    expect(stripCommonFolder(sourceFiles(...given)).map(({ path }) => path)).toEqual(wanted);
  });
});

test('names are listed for people', () => {
  expect(listNames(['a'])).toBe('"a"');
  expect(listNames(['a', 'b', 'c'])).toBe('"a", "b" and "c"');
  expect(listNames(['a', 'b', 'c', 'd'], 2)).toBe('"a", "b" and 2 more');
});
