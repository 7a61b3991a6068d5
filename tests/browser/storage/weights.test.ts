// Weights and downloads in real IndexedDB: what goes in comes out, names stand for one content, a full disk leaves nothing behind.

import { expect, onTestFinished, test } from 'vitest';
import { createRun } from '$lib/storage/runs';
import { spaceOfKept } from '$lib/storage/quota';
import type { WeightsRecord } from '$lib/storage/records';
import type { Database } from '$lib/storage/schema';
import {
  addWeights,
  findWeights,
  getWeights,
  listWeights,
  removeWeights,
  touchWeights,
  WEIGHTS_PART_BYTES,
  weightsFiles,
  weightsId,
} from '$lib/storage/weights';
import { appendDownload, downloadPart, getDownload, removeDownload, startDownload } from '$lib/storage/downloads';
import { fill, openFresh } from './open';
import { runOf } from './runs';

/** Bytes that do not compress, the same for the same seed. */
function bytesOf(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = seed;
  for (let i = 0; i < words.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    words[i] = state ^ (state >>> 15);
  }
  return new Uint8Array(words.buffer, 0, length);
}

function fileOf(path: string, bytes: Uint8Array<ArrayBuffer>): { path: string; blob: Blob } {
  return { path, blob: new Blob([bytes]) };
}

async function newWeights(
  files: readonly { path: string; blob: Blob }[],
  sources: readonly string[],
): Promise<{ record: Omit<WeightsRecord, 'files'>; files: readonly { path: string; blob: Blob }[] }> {
  const record = {
    id: await weightsId(files),
    name: files[0].path,
    sources,
    format: 'safetensors' as const,
    createdAt: 1000,
    usedAt: 1000,
    bytes: files.reduce((sum, { blob }) => sum + blob.size, 0),
    tensors: 1,
    values: 1,
    architecture: { kind: 'none' as const },
    preprocess: null,
    classes: null,
    licence: null,
  };
  return { record, files };
}

async function hexDigest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function partKeys(database: Database): Promise<[string, number, number][]> {
  return database.getAllKeys('weightsParts');
}

test('a file over two parts comes back byte for byte, under the SHA-256 of its content', async () => {
  const database = await openFresh();
  const bytes = bytesOf(2 * WEIGHTS_PART_BYTES + 12_345);
  const added = await addWeights(database, await newWeights([fileOf('model.safetensors', bytes)], ['timm/x']));
  expect(added.id).toBe(await hexDigest(bytes));
  expect(added.files).toEqual([{ path: 'model.safetensors', bytes: bytes.length, parts: 3 }]);
  expect(await partKeys(database)).toHaveLength(3);
  const [file] = await weightsFiles(database, added.id);
  expect(file.path).toBe('model.safetensors');
  expect(await hexDigest(new Uint8Array(await file.blob.arrayBuffer()))).toBe(added.id);
});

test('several files keep their paths, whatever the order they are given in', async () => {
  const database = await openFresh();
  const files = [
    fileOf('b/shard2.bin', bytesOf(70, 2)),
    fileOf('model.json', bytesOf(50, 1)),
    fileOf('empty', bytesOf(0)),
  ];
  const added = await addWeights(database, await newWeights(files, ['folder']));
  expect(added.id).toBe(await weightsId(files.toReversed()));
  const kept = await weightsFiles(database, added.id);
  expect(kept.map(({ path, blob }) => [path, blob.size])).toEqual([
    ['b/shard2.bin', 70],
    ['empty', 0],
    ['model.json', 50],
  ]);
  expect(new Uint8Array(await kept[2].blob.arrayBuffer())).toEqual(bytesOf(50, 1));
});

test('the same content again only gains a name; another content takes the name over', async () => {
  const database = await openFresh();
  const first = await addWeights(database, await newWeights([fileOf('a', bytesOf(100))], ['timm/x']));
  const again = await addWeights(
    database,
    await newWeights([fileOf('copy', bytesOf(100))], ['a.safetensors', 'timm/x']),
  );
  expect(again.id).toBe(first.id);
  expect(again.sources).toEqual(['timm/x', 'a.safetensors']);
  expect(await listWeights(database)).toHaveLength(1);
  expect(await partKeys(database)).toHaveLength(1);

  const other = await addWeights(database, await newWeights([fileOf('a', bytesOf(100, 9))], ['a.safetensors']));
  expect((await findWeights(database, 'a.safetensors'))?.id).toBe(other.id);
  expect((await findWeights(database, 'timm/x'))?.id).toBe(first.id);
  expect((await findWeights(database, `sha256:${first.id}`))?.sources).toEqual(['timm/x']);
  expect(await findWeights(database, 'nothing')).toBeNull();
  expect(await findWeights(database, `sha256:${'0'.repeat(64)}`)).toBeNull();
});

test('what was used last is listed first', async () => {
  const database = await openFresh();
  const a = await addWeights(database, await newWeights([fileOf('a', bytesOf(10, 1))], ['a']));
  const b = await addWeights(database, await newWeights([fileOf('b', bytesOf(10, 2))], ['b']));
  await touchWeights(database, a.id);
  expect((await listWeights(database)).map(({ id }) => id)).toEqual([a.id, b.id]);
  await touchWeights(database, 'gone');
});

test('removed weights leave nothing, and asking for them says what to do', async () => {
  const database = await openFresh();
  const { id } = await addWeights(database, await newWeights([fileOf('a', bytesOf(10))], ['a']));
  const kept = await addWeights(database, await newWeights([fileOf('b', bytesOf(20))], ['b']));
  await removeWeights(database, id);
  expect(await partKeys(database)).toEqual([[kept.id, 0, 0]]);
  await expect(weightsFiles(database, id)).rejects.toMatchObject({ code: 'weights-missing' });
  await expect(getWeights(database, id)).rejects.toMatchObject({ code: 'weights-missing' });
});

test('a run begun with weights does not hold them; one whose features they compute does, and is named', async () => {
  const database = await openFresh();
  const { id } = await addWeights(database, await newWeights([fileOf('a.onnx', bytesOf(10))], ['a']));
  const { project, version } = await fill(database, 'p', ['x']);
  const input = { name: 'x', layout: 'NCHW', imageSize: [8, 8] } as const;
  const extractor = { title: 'a', input, output: 'y', features: 4, weightsId: id };
  await createRun(database, { ...runOf(project.id, version.id), name: 'frozen', extractor });
  await expect(removeWeights(database, id)).rejects.toMatchObject({
    code: 'weights-in-use',
    message: expect.stringContaining('"frozen"') as string,
  });
  expect(await weightsFiles(database, id)).toHaveLength(1);
});

test('parts that a closed tab left behind are gone after the next addition', async () => {
  const database = await openFresh();
  await database.put('weightsParts', { id: 'cut-off', file: 0, part: 0, bytes: bytesOf(10) });
  const { id } = await addWeights(database, await newWeights([fileOf('a', bytesOf(10))], ['a']));
  expect(await partKeys(database)).toEqual([[id, 0, 0]]);
});

/** Chromium's Storage Buckets, of which the DOM types know nothing: a database of its own quota beside the page's. */
interface Buckets {
  open(name: string, options: { quota: number }): Promise<{ indexedDB: IDBFactory }>;
  delete(name: string): Promise<void>;
}

test('weights that do not fit are an error that names what could go, and nothing of them is kept', async () => {
  const { storageBuckets } = navigator as Navigator & { storageBuckets: Buckets };
  const ofThePage = Object.getOwnPropertyDescriptor(globalThis, 'indexedDB');
  const bucket = await storageBuckets.open('full-weights', { quota: 30e6 });
  Object.defineProperty(globalThis, 'indexedDB', { configurable: true, value: bucket.indexedDB });
  onTestFinished(async () => {
    if (ofThePage !== undefined) Object.defineProperty(globalThis, 'indexedDB', ofThePage);
    await storageBuckets.delete('full-weights');
  });
  const database = await openFresh();
  await addWeights(database, await newWeights([fileOf('small', bytesOf(1000))], ['small']));
  await expect(
    addWeights(database, await newWeights([fileOf('large', bytesOf(3 * WEIGHTS_PART_BYTES))], ['large'])),
  ).rejects.toMatchObject({
    code: 'storage-full',
    hint: expect.stringContaining('Removing the weights "small" would free 1.0 kB') as string,
  });
  expect((await listWeights(database)).map(({ name }) => name)).toEqual(['small']);
  expect(await partKeys(database)).toHaveLength(1);
});

test('what belongs to no project is counted: weights, unfinished downloads, features', async () => {
  const database = await openFresh();
  const { id } = await addWeights(database, await newWeights([fileOf('a', bytesOf(1000))], ['a']));
  const started = await startDownload(database, { url: 'https://hub.example/b', etag: '"1"', total: 500 });
  await appendDownload(database, started, bytesOf(200));
  const times = { createdAt: 0, usedAt: 0 };
  await database.put('featureCaches', { key: 'k', title: 'net at 32 px', width: 8, vectors: 4, bytes: 128, ...times });
  expect(await spaceOfKept(database)).toEqual({
    weights: [{ id, name: 'a', bytes: 1000 }],
    downloads: [{ url: 'https://hub.example/b', bytes: 200 }],
    features: [{ key: 'k', title: 'net at 32 px', bytes: 128 }],
    bytes: 1328,
  });
});

test('a download keeps its parts until it starts again or is removed', async () => {
  const database = await openFresh();
  const url = 'https://hub.example/model.safetensors';
  let record = await startDownload(database, { url, etag: '"1"', total: 30 });
  record = await appendDownload(database, record, bytesOf(10, 1));
  await appendDownload(database, record, bytesOf(15, 2));
  expect(await getDownload(database, url)).toMatchObject({ etag: '"1"', total: 30, received: 25, parts: 2 });
  expect(await downloadPart(database, url, 1)).toEqual(bytesOf(15, 2));
  expect(await downloadPart(database, url, 2)).toBeNull();
  await startDownload(database, { url, etag: '"2"', total: 40 });
  expect(await downloadPart(database, url, 0)).toBeNull();
  expect(await getDownload(database, url)).toMatchObject({ etag: '"2"', received: 0, parts: 0 });
  await removeDownload(database, url);
  expect(await getDownload(database, url)).toBeNull();
});
