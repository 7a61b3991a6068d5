// Which format a list of files is, and what each format makes of it.

import { gzipSync, unzlibSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import type { SourceFile } from '$lib/data/contract';
import { detectFormat } from '$lib/data/formats';
import type { Reading } from '$lib/data/formats/format';
import type { DataProblem } from '$lib/storage/records';
import { sourceFile, sourceFiles } from './source';

async function readAs(id: string, files: readonly SourceFile[]): Promise<Reading> {
  const format = await detectFormat(files);
  expect(format.id).toBe(id);
  return format.read(files);
}

function table({ entries }: Reading): string[] {
  return entries.map(({ path, labels, folderSplit }) => `${path} ${labels.join('+')} ${folderSplit ?? '-'}`);
}

function skipped(problems: readonly DataProblem[]): Record<string, string> {
  return Object.fromEntries(problems.flatMap((p) => (p.kind === 'skipped' ? [[p.path, p.reason]] : [])));
}

describe('a folder for each class', () => {
  test('the first folder is the class, whatever lies below', async () => {
    const reading = await readAs('folder-per-class', sourceFiles('dog/a/1.jpg', 'cat/2.PNG', 'cat/noextension'));
    expect(table(reading)).toEqual(['dog/a/1.jpg dog -', 'cat/2.PNG cat -', 'cat/noextension cat -']);
  });

  test('train, val and test folders become splits, by any of their names', async () => {
    const files = sourceFiles('Train/cat/1.jpg', 'valid/cat/2.jpg', 'validation/dog/3.jpg', 'test/dog/4.jpg');
    expect(table(await readAs('folder-per-class', files))).toEqual([
      'Train/cat/1.jpg cat train',
      'valid/cat/2.jpg cat val',
      'validation/dog/3.jpg dog val',
      'test/dog/4.jpg dog test',
    ]);
  });

  test('what lies outside the splits or the classes is listed', async () => {
    const files = sourceFiles('train/cat/1.jpg', 'test/cat/2.jpg', 'extra/dog/3.jpg', 'train/4.jpg', 'readme.txt');
    const reading = await readAs('folder-per-class', files);
    expect(reading.entries).toHaveLength(2);
    expect(skipped(reading.problems)).toEqual({
      'extra/dog/3.jpg': 'it lies outside the train, val and test folders',
      'train/4.jpg': 'it lies in the train folder but in no class folder there',
      'readme.txt': 'it is not an image',
    });
  });

  test('a class may be called train', async () => {
    const reading = await readAs('folder-per-class', sourceFiles('train/old/1.jpg', 'car/1.jpg', 'plane/old/1.jpg'));
    expect(reading.entries.flatMap(({ labels }) => labels)).toEqual(['train', 'car', 'plane']);
  });

  test('accents written in two ways are one class', async () => {
    const reading = await readAs('folder-per-class', sourceFiles('caf\u00e9/1.jpg', 'cafe\u0301/2.jpg'));
    expect(new Set(reading.entries.flatMap(({ labels }) => labels)).size).toBe(1);
  });

  test('images without folders have no classes', async () => {
    await expect(readAs('folder-per-class', sourceFiles('1.jpg', '2.jpg'))).rejects.toMatchObject({
      code: 'no-class-folders',
      message: expect.stringContaining('"1.jpg" and "2.jpg"') as string,
    });
  });

  test('other files alone are no images, and are told', async () => {
    await expect(detectFormat(sourceFiles('a.txt', 'b/b.txt', 'c.mp4'))).rejects.toMatchObject({
      code: 'no-images',
      message: 'No images were found, only other files (2 .txt, 1 .mp4).',
    });
  });
});

describe('IDX', () => {
  /** Big-endian header and bytes. */
  function idxBytes(shape: readonly number[], data: readonly number[], type = 8): Uint8Array {
    const header = new DataView(new ArrayBuffer(4 + 4 * shape.length));
    header.setUint8(2, type);
    header.setUint8(3, shape.length);
    shape.forEach((size, i) => header.setUint32(4 + 4 * i, size));
    return new Uint8Array([...new Uint8Array(header.buffer), ...data]);
  }
  const images = idxBytes([2, 2, 3], [1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60]);
  const labels = idxBytes([2], [7, 0]);

  test('a gzip pair becomes PNG files of the same pixels', async () => {
    const reading = await readAs('idx', [
      sourceFile('t10k-images-idx3-ubyte.gz', gzipSync(images)),
      sourceFile('t10k-labels-idx1-ubyte.gz', gzipSync(labels)),
      sourceFile('SOURCE.txt'),
    ]);
    expect(table(reading)).toEqual(['7/00000.png 7 -', '0/00001.png 0 -']);
    expect(reading.classes).toEqual(['0', '7']);
    expect(skipped(reading.problems)).toEqual({ 'SOURCE.txt': 'it is not one of the IDX files' });
    const { bytes, measured } = await reading.entries[1].load();
    const view = new DataView(bytes.buffer);
    const data = bytes.subarray(41, 41 + view.getUint32(33));
    // Two rows, each with its filter type (none) first.
    expect([...unzlibSync(data)]).toEqual([0, 10, 20, 30, 0, 40, 50, 60]);
    expect(measured).toMatchObject({ width: 3, height: 2 });
    expect(measured?.moments[2]).toBeCloseTo(35 / 255, 6);
  });

  test('plain train and test pairs are splits', async () => {
    const reading = await readAs('idx', [
      sourceFile('raw/train-images.idx3-ubyte', images),
      sourceFile('raw/train-labels.idx1-ubyte', labels),
      sourceFile('raw/t10k-images-idx3-ubyte', images),
      sourceFile('raw/t10k-labels-idx1-ubyte', labels),
    ]);
    expect(table(reading)).toEqual([
      'train/7/00000.png 7 train',
      'train/0/00001.png 0 train',
      'test/7/00000.png 7 test',
      'test/0/00001.png 0 test',
    ]);
  });

  test('labels above nine and colour images are known, and the classes are in the order of numbers', async () => {
    const reading = await readAs('idx', [
      sourceFile('train-images-idx4-ubyte', idxBytes([3, 1, 1, 3], [9, 8, 7, 0, 0, 0, 0, 0, 0])),
      sourceFile('train-labels-idx1-ubyte', idxBytes([3], [46, 9, 10])),
    ]);
    expect(reading.classes).toEqual(['9', '10', '46']);
    expect((await reading.entries[0].load()).measured?.moments.slice(0, 3)).toEqual([9 / 255, 8 / 255, 7 / 255]);
  });

  test.each([
    ['no labels', ['train-images-idx3-ubyte', images], null, 'idx-pair', 'labels'],
    ['no images', null, ['train-labels-idx1-ubyte', labels], 'idx-pair', 'images'],
    [
      'other numbers',
      ['a-images-idx3-ubyte', images],
      ['a-labels-idx1-ubyte', idxBytes([3], [1, 2, 3])],
      'idx-pair',
      '3 labels',
    ],
    [
      'a cut file',
      ['a-images-idx3-ubyte', images.subarray(0, 20)],
      ['a-labels-idx1-ubyte', labels],
      'idx-broken',
      'truncated',
    ],
    ['a text', ['a-images-idx3-ubyte', 'hello'], ['a-labels-idx1-ubyte', labels], 'idx-broken', 'does not begin'],
    [
      'floats',
      ['a-images-idx3-ubyte', idxBytes([1, 1, 1], [0, 0, 0, 0], 13)],
      ['a-labels-idx1-ubyte', labels],
      'idx-broken',
      '0xd',
    ],
    [
      'broken gzip',
      ['a-images-idx3-ubyte.gz', gzipSync(images).subarray(0, 20)],
      ['a-labels-idx1-ubyte', labels],
      'idx-broken',
      'a-images',
    ],
  ] as const)('%s is told', async (_, first, second, code, found) => {
    const files = [first, second].flatMap((pair) => (pair === null ? [] : [sourceFile(pair[0], pair[1])]));
    await expect(readAs('idx', files)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(found) as string,
    });
  });
});

describe('CSV', () => {
  test('labels come from the table, splits too', async () => {
    const csv = 'Filename,Label,Split\r\n1.jpg,cat,train\r\nsub/2.jpg,"dog, small",valid\n3.jpg,cat,test\n';
    const reading = await readAs('csv', [sourceFile('labels.csv', csv), ...sourceFiles('1.jpg', 'sub/2.jpg', '3.jpg')]);
    expect(table(reading)).toEqual(['1.jpg cat train', 'sub/2.jpg dog, small val', '3.jpg cat test']);
    expect(reading.problems).toEqual([]);
  });

  test('files are found beside the table, from the top, by name alone and by a path of another machine', async () => {
    const csv = 'image;class\nimg/1.jpg;a\nset/img/2.jpg;b\n3.jpg;a\nC:\\data\\4.jpg;b\n';
    const files = sourceFiles('set/img/1.jpg', 'set/img/2.jpg', 'set/img/3.jpg', 'set/img/4.jpg');
    const reading = await readAs('csv', [sourceFile('set/labels.csv', csv), ...files]);
    expect(reading.entries.map(({ path, labels }) => [path, ...labels])).toEqual([
      ['set/img/1.jpg', 'a'],
      ['set/img/2.jpg', 'b'],
      ['set/img/3.jpg', 'a'],
      ['set/img/4.jpg', 'b'],
    ]);
  });

  test('a name that two files have means neither', async () => {
    const files = [
      sourceFile('l.csv', 'file,label\n1.jpg,a\n2.jpg,b'),
      ...sourceFiles('x/1.jpg', 'y/1.jpg', 'x/2.jpg'),
    ];
    const reading = await readAs('csv', files);
    expect(table(reading)).toEqual(['x/2.jpg b -']);
    expect(Object.keys(skipped(reading.problems))).toEqual(['1.jpg', 'x/1.jpg', 'y/1.jpg']);
  });

  test('a table for each split gives it by its name', async () => {
    const reading = await readAs('csv', [
      sourceFile('train.csv', 'file,category\n1.jpg,a'),
      sourceFile('test_labels.csv', 'file,category\n2.jpg,b'),
      ...sourceFiles('1.jpg', '2.jpg'),
    ]);
    expect(table(reading)).toEqual(['1.jpg a train', '2.jpg b test']);
  });

  test('missing files, unlisted images and empty labels are all listed', async () => {
    const csv = 'filename,label\n1.jpg,a\ngone.jpg,a\n2.jpg,\n1.jpg,a\n';
    const reading = await readAs('csv', [
      sourceFile('labels.csv', csv),
      ...sourceFiles('1.jpg', '2.jpg', '3.jpg', 'notes.txt'),
    ]);
    expect(table(reading)).toEqual(['1.jpg a -']);
    expect(skipped(reading.problems)).toEqual({
      'gone.jpg': 'line 3 of labels.csv names it, but it is not there',
      '2.jpg': 'line 4 of labels.csv gives it no label',
      '3.jpg': '"labels.csv" does not list it',
      'notes.txt': 'it is not an image',
    });
    expect(reading.several).toBe(false);
  });

  test('an unknown split is an error that names the line', async () => {
    const files = [sourceFile('l.csv', 'file,label,split\n1.jpg,a,holdout'), ...sourceFiles('1.jpg')];
    await expect(readAs('csv', files)).rejects.toMatchObject({
      code: 'csv-split',
      message: expect.stringContaining('line 2') as string,
    });
  });

  test('a table that is about something else leaves the folders in charge', async () => {
    const other = sourceFile('prices.csv', 'item,price\n1.jpg,5');
    const results = sourceFile('results.csv', 'filename,label\nelsewhere.jpg,x');
    const files = [other, results, ...sourceFiles('cat/1.jpg', 'dog/2.jpg')];
    const reading = await readAs('folder-per-class', files);
    expect(Object.keys(skipped(reading.problems))).toEqual(['prices.csv', 'results.csv']);
  });
});

describe('CSV of several classes an image', () => {
  const readTable = (text: string, ...names: string[]) =>
    readAs('csv', [sourceFile('labels.csv', text), ...sourceFiles(...names)]);

  test.each([
    ['|', 'image,tags\n1.jpg,sky|sea\n2.jpg,sea\n3.jpg,\n'],
    [';', 'image,labels\n1.jpg,sky; sea\n2.jpg,sea\n3.jpg,\n'],
    [',', 'image,classes\n1.jpg,"sky,sea"\n2.jpg,sea\n3.jpg,\n'],
    ['spaces', 'image,labels\n1.jpg,sky sea\n2.jpg,sea\n3.jpg,\n'],
    ["Python's lists", "image,labels\n1.jpg,\"['sky', 'sea']\"\n2.jpg,['sea']\n3.jpg,[]\n"],
    ['rows', 'image,label\n1.jpg,sky\n2.jpg,sea\n1.jpg,sea\n3.jpg,\n'],
    ['columns of 0 and 1', 'image,sky,sea\n1.jpg,1,1\n2.jpg,0,1\n3.jpg,0,0\n'],
    ['columns of -1 and 1, the names without extension', 'image_id,sky,sea\n1,1,1\n2,-1,1\n3,-1,-1\n'],
    ['columns of True and False', 'image,age,sky,sea\n1.jpg,31,True,True\n2.jpg,7,False,True\n3.jpg,9,False,False\n'],
  ])('by %s', async (_, text) => {
    const reading = await readTable(text, '1.jpg', '2.jpg', '3.jpg');
    expect(table(reading)).toEqual(['1.jpg sky+sea -', '2.jpg sea -', '3.jpg  -']);
    expect(reading.several).toBe(true);
    expect(reading.problems).toEqual([]);
  });

  test('columns give the order of the classes, and one that is never 1 is told', async () => {
    const reading = await readTable('image,split,b,never,a\n1.jpg,train,1,0,1\n2.jpg,test,0,0,0\n', '1.jpg', '2.jpg');
    expect(reading.classes).toEqual(['b', 'a']);
    expect(table(reading)).toEqual(['1.jpg b+a train', '2.jpg  test']);
    expect(skipped(reading.problems)).toEqual({ 'labels.csv': 'no image has the class of its "never" column' });
  });

  test.each([
    ['a list of one name each', 'image,tags\n1.jpg,sky\n2.jpg,sea\n'],
    ['columns with a single 1 each', 'image,sky,sea\n1.jpg,1,0\n2.jpg,0,1\n'],
  ])('%s is one class an image', async (_, text) => {
    const reading = await readTable(text, '1.jpg', '2.jpg');
    expect(table(reading)).toEqual(['1.jpg sky -', '2.jpg sea -']);
    expect(reading.several).toBe(false);
  });

  test('spaces inside names separate nothing', async () => {
    const text = 'image,labels\n1.jpg,golden retriever\n2.jpg,labrador retriever\n3.jpg,golden retriever\n';
    const reading = await readTable(text, '1.jpg', '2.jpg', '3.jpg');
    expect(reading.entries.flatMap(({ labels }) => labels)).toEqual([
      'golden retriever',
      'labrador retriever',
      'golden retriever',
    ]);
  });

  test('a table with one column of 0 and 1 says no classes', async () => {
    const reading = await readAs('folder-per-class', [
      sourceFile('seen.csv', 'image,seen\na/1.jpg,1\nb/2.jpg,0\n'),
      ...sourceFiles('a/1.jpg', 'b/2.jpg'),
    ]);
    expect(reading.several).toBeUndefined();
  });
});
