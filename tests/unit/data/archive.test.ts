// Zips as tools write them, and as people write them who mean harm.

import { zipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { openArchive } from '$lib/data/archive/archive';
import { windowReader } from '$lib/data/archive/windows';
import { crc32 } from '$lib/data/crc32';
import { readBytes } from '$lib/data/files';
import { bytesOf, fields, join, makeZip, type ZipEntry } from './zip';

async function list(zip: Blob): Promise<Record<string, string>> {
  const { files } = await openArchive(zip, 'set.zip');
  const pairs = await Promise.all(
    files.map(async (file) => [file.path, new TextDecoder().decode(await readBytes(file))]),
  );
  return Object.fromEntries(pairs) as Record<string, string>;
}

function open(entries: readonly ZipEntry[]): Promise<unknown> {
  return openArchive(makeZip(entries), 'set.zip');
}

/** Not compressible, always the same. */
function noise(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let state = 1;
  for (let i = 0; i < length; i++) {
    state = Math.imul(state, 1103515245) + 12345;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

describe('what is read', () => {
  test('stored and deflated entries come back as they were, folders left out', async () => {
    const zip = makeZip([
      { name: 'a/' },
      { name: 'a/deflated.txt', content: 'x'.repeat(500) },
      { name: 'a/stored.txt', content: 'hello', method: 0 },
      { name: 'empty.txt', content: '', method: 0 },
    ]);
    expect(await list(zip)).toEqual({ 'a/deflated.txt': 'x'.repeat(500), 'a/stored.txt': 'hello', 'empty.txt': '' });
  });

  test('a zip of another writer is read', async () => {
    const zip = new Blob([
      zipSync({ 'b/one.txt': bytesOf('one'), 'b/two.txt': bytesOf('two') }) as Uint8Array<ArrayBuffer>,
    ]);
    expect(await list(zip)).toEqual({ 'b/one.txt': 'one', 'b/two.txt': 'two' });
  });

  test('ZIP64 sizes, offsets and end records are read', async () => {
    const zip = makeZip(
      [
        { name: 'a.txt', content: 'a'.repeat(99), zip64: true },
        { name: 'b.txt', content: 'b' },
      ],
      { zip64: true },
    );
    expect(await list(zip)).toEqual({ 'a.txt': 'a'.repeat(99), 'b.txt': 'b' });
  });

  test('a comment that looks like the end of a zip does not mislead', async () => {
    const zip = makeZip([{ name: 'a.txt', content: 'a' }], {
      comment: 'PK\x05\x06 and more than twenty-two characters',
    });
    expect(await list(zip)).toEqual({ 'a.txt': 'a' });
  });

  test('files larger than a window and files across its edge are whole', async () => {
    const content = noise(9 * 2 ** 20);
    const zip = makeZip([
      { name: 'large.bin', content, method: 0 },
      { name: 'after.txt', content: 'after' },
    ]);
    const { files } = await openArchive(zip, 'set.zip');
    expect(crc32(await readBytes(files[0]))).toBe(crc32(content));
    expect(new TextDecoder().decode(await readBytes(files[1]))).toBe('after');
  });

  test('windows move forward, back and over each other', async () => {
    const content = noise(1000);
    const read = windowReader(new Blob([content]), 64);
    const ranges = [
      [0, 10],
      [60, 70],
      [0, 200],
      [5, 9],
      [990, 1100],
      [100, 110],
    ] as const;
    const found = await Promise.all(ranges.map(([start, end]) => read(start, end)));
    ranges.forEach(([start, end], i) => expect(found[i]).toEqual(content.subarray(start, end)));
  });
});

describe('names', () => {
  test('UTF-8 is read with its flag and, as macOS writes it, without', async () => {
    const zip = makeZip([
      { name: 'Löwenzahn/花.jpg', content: '1' },
      { name: 'Gänseblümchen/2.jpg', content: '2', flags: 0 },
    ]);
    expect(Object.keys(await list(zip))).toEqual(['Löwenzahn/花.jpg', 'Gänseblümchen/2.jpg']);
  });

  test('old names are code page 437', async () => {
    // 'Grün/é.jpg' in code page 437, which is not valid UTF-8.
    const name = new Uint8Array([0x47, 0x72, 0x81, 0x6e, 0x2f, 0x82, 0x2e, 0x6a, 0x70, 0x67]);
    expect(Object.keys(await list(makeZip([{ name, flags: 0 }])))).toEqual(['Grün/é.jpg']);
  });

  test("Info-ZIP's Unicode path replaces a name that it belongs to, and no other", async () => {
    const path = (name: string, real: string) =>
      join([fields([2, 0x7075], [2, 5 + bytesOf(real).length], [1, 1], [4, crc32(bytesOf(name))]), bytesOf(real)]);
    const zip = makeZip([
      { name: 'gr?n.jpg', extra: path('gr?n.jpg', 'grün.jpg'), flags: 0 },
      { name: 'b?um.jpg', extra: path('something else', 'baum.jpg'), flags: 0 },
    ]);
    expect(Object.keys(await list(zip))).toEqual(['grün.jpg', 'b?um.jpg']);
  });

  test('backslashes are separators', async () => {
    expect(Object.keys(await list(makeZip([{ name: 'cat\\1.jpg' }])))).toEqual(['cat/1.jpg']);
  });

  test.each([
    ['../evil.jpg', '".."'],
    ['a/../../evil.jpg', '".."'],
    ['a\\..\\evil.jpg', '".."'],
    ['/etc/evil.jpg', 'absolute'],
    ['C:\\evil.jpg', 'absolute'],
    ['../', '".."'],
    ['evil.jpg\0.png', 'zero character'],
  ])('the name %j is refused and shown', async (name, why) => {
    const shown = name.replace('\0', '\\0');
    const error: unknown = await open([{ name: 'fine/1.jpg', content: 'x' }, { name }]).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'archive-unsafe-name' });
    expect((error as Error).message).toContain(shown);
    expect((error as Error).message).toContain(why);
  });
});

describe('what is refused', () => {
  test('an encrypted entry, by name', async () => {
    await expect(open([{ name: 'cat/1.jpg', content: 'x', flags: 1 }])).rejects.toMatchObject({
      code: 'archive-encrypted',
      message: expect.stringContaining('cat/1.jpg') as string,
    });
  });

  test('1,000:1 compression, by name', async () => {
    await expect(open([{ name: 'cat/1.jpg', content: new Uint8Array(1e6) }])).rejects.toMatchObject({
      code: 'archive-bomb',
      message: expect.stringMatching(/"cat\/1\.jpg".*1\.0 MB.*times/) as string,
    });
  });

  test('entries that share their bytes', async () => {
    const entries = [
      { name: '1.jpg', content: noise(100) },
      { name: '2.jpg', content: noise(100), sameAs: 0 },
    ];
    await expect(open(entries)).rejects.toMatchObject({ code: 'archive-bomb' });
  });

  test('more bytes or entries than a browser holds', async () => {
    const zip = makeZip([
      { name: '1.jpg', content: noise(600) },
      { name: '2.jpg', content: noise(600) },
    ]);
    const open = (limits: { totalBytes: number; entries: number }) => openArchive(zip, 'set.zip', limits);
    await expect(open({ totalBytes: 1199, entries: 2 })).rejects.toMatchObject({ code: 'archive-bomb' });
    await expect(open({ totalBytes: 1200, entries: 1 })).rejects.toMatchObject({ code: 'archive-bomb' });
    await expect(open({ totalBytes: 1200, entries: 2 })).resolves.toBeDefined();
  });

  test('300:1 where it is megabytes, not where it is little', async () => {
    const flat = (bytes: number) => join([noise(bytes / 350), new Uint8Array(bytes)]);
    await expect(open([{ name: '1.bmp', content: flat(2e6) }])).rejects.toMatchObject({ code: 'archive-bomb' });
    await expect(open([{ name: '1.bmp', content: flat(2e5) }])).resolves.toBeDefined();
  });

  test('a flat bitmap of a megabyte is no bomb', async () => {
    const flat = join([noise(8000), new Uint8Array(1e6)]);
    await expect(open([{ name: 'cat/1.bmp', content: flat }])).resolves.toBeDefined();
  });

  test.each([
    ['cut off anywhere', (zip: Blob) => zip.slice(0, zip.size - 30)],
    ['cut off at the front', (zip: Blob) => zip.slice(200)],
    ['a text', () => new Blob(['this is no zip, whatever its name says'])],
    ['empty', () => new Blob([])],
  ])('a file that is %s', async (_, damage) => {
    const zip = makeZip([{ name: 'a.jpg', content: noise(500) }]);
    await expect(openArchive(damage(zip), 'set.zip')).rejects.toMatchObject({
      code: 'archive-corrupt',
      message: expect.stringContaining('set.zip') as string,
    });
  });
});

describe('what only one entry suffers', () => {
  async function readOnly(entry: ZipEntry): Promise<unknown> {
    const { files } = await openArchive(makeZip([entry]), 'set.zip');
    return readBytes(files[0]);
  }

  test('a wrong checksum', async () => {
    const reading = readOnly({ name: 'a.jpg', content: 'hello', crc: 1 });
    await expect(reading).rejects.toMatchObject({
      code: 'archive-entry',
      message: expect.stringContaining('checksum') as string,
    });
  });

  test('a content longer or shorter than promised', async () => {
    await expect(readOnly({ name: 'a.jpg', content: noise(100), size: 50 })).rejects.toMatchObject({
      code: 'archive-entry',
    });
    await expect(readOnly({ name: 'a.jpg', content: noise(100), size: 150 })).rejects.toMatchObject({
      code: 'archive-entry',
    });
  });

  test('a packing method that browsers lack, by its name', async () => {
    const reading = readOnly({ name: 'a.jpg', content: 'hello', method: 14 });
    await expect(reading).rejects.toMatchObject({
      code: 'archive-entry',
      message: expect.stringContaining('LZMA') as string,
    });
  });

  test('links and second entries of a name are listed as skipped', async () => {
    const zip = makeZip([
      { name: 'a.jpg', content: '1' },
      { name: 'a.jpg', content: '2' },
      { name: 'link.jpg', content: 'a.jpg', mode: 0xa1ff },
    ]);
    const { files, problems } = await openArchive(zip, 'set.zip');
    expect(files.map(({ path }) => path)).toEqual(['a.jpg']);
    expect(problems.map((problem) => 'path' in problem && problem.path)).toEqual(['a.jpg', 'link.jpg']);
  });
});
