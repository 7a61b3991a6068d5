// Downloads against a server that behaves like the hub, and against all the ways in which one may not.

import { afterEach, beforeEach, expect, test } from 'vitest';
import { downloadFile, STORE_EVERY_BYTES, type DownloadOptions } from '$lib/hub/download';
import type { RemoteFile } from '$lib/hub/contract';
import { fetchWeights } from '$lib/hub/fetch-weights';
import { readHub } from '$lib/hub/hosts';
import { remoteOffer, type RemoteReference } from '$lib/hub/locate';
import { parseReference } from '$lib/hub/reference';
import { listingOf, sha256, startHub, type HubServer } from '../../support/hub-server';
import { memoryStore } from './memory-store';

const NAME = 'timm/net.in1k';
const PATH = `${NAME}/model.safetensors`;

let hub: HubServer;
let store: ReturnType<typeof memoryStore>;

beforeEach(async () => {
  hub = await startHub();
  store = memoryStore();
});
afterEach(() => hub.close());

function content(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) bytes[i] = (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24;
  return bytes;
}

function options(more: Partial<DownloadOptions> = {}): DownloadOptions {
  return {
    hub: readHub(hub.hub),
    fetch,
    store,
    reference: NAME,
    // The test need not wait as long as a person would.
    retryAfterMs: [5, 5, 5],
    silenceMs: 2_000,
    ...more,
  };
}

function remote(path = PATH, more: Partial<RemoteFile> = {}): RemoteFile {
  return { url: `${hub.base}/${path.replace(NAME, `${NAME}/resolve/main`)}`, path, bytes: null, sha256: null, ...more };
}

function reference(text = NAME): RemoteReference {
  const parsed = parseReference(text, readHub(hub.hub));
  if (parsed.kind === 'content') throw new Error('not remote');
  return parsed;
}

/** By hash: comparing hundreds of thousands of numbers one by one takes seconds. */
async function hashOf(blob: Blob): Promise<string> {
  return sha256(new Uint8Array(await blob.arrayBuffer()));
}

/** Requests for the file itself at the second origin. */
function ranges(): string[] {
  return hub.log.filter((line) => line.startsWith(`GET /${PATH}`)).map((line) => line.split(' ')[2]);
}

test('a file comes whole, over a redirect to another host, with progress up to its end', async () => {
  const bytes = content(STORE_EVERY_BYTES * 2 + 1000);
  hub.files.set(PATH, { bytes });
  const seen: number[] = [];
  const { blob } = await downloadFile(remote(), options({ onProgress: ({ done }) => seen.push(done) }));
  expect(await hashOf(blob)).toBe(sha256(bytes));
  expect(seen.at(-1)).toBe(bytes.length);
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  expect(store.records.get(remote().url)).toMatchObject({ received: bytes.length, total: bytes.length });
});

test('a connection that breaks twice goes on from where it was each time', async () => {
  const bytes = content(300_000);
  hub.files.set(PATH, { bytes, cut: { after: 100_000, times: 2 } });
  const { blob } = await downloadFile(remote(), options());
  expect(await hashOf(blob)).toBe(sha256(bytes));
  const [first, second, third] = ranges().map((range) => Number(/=(\d+)-/.exec(range)?.[1]));
  expect(first).toBe(0);
  // What was under way when the connection was cut may be lost.
  expect(second).toBeGreaterThan(0);
  expect(third).toBeGreaterThan(second);
});

test('a connection that breaks every time is an error after four attempts, and what came is kept', async () => {
  hub.files.set(PATH, { bytes: content(900_000), cut: { after: 100_000, times: 99 } });
  await expect(downloadFile(remote(), options())).rejects.toMatchObject({
    code: 'hub-broken-off',
    message: expect.stringContaining('of 900 kB') as string,
  });
  expect(ranges()).toHaveLength(4);
  expect(store.records.get(remote().url)?.received).toBeGreaterThan(0);
});

test('cancelling keeps what has come, and the next download asks for the rest alone', async () => {
  const bytes = content(400_000);
  hub.files.set(PATH, { bytes, slow: { pieceBytes: 40_000, milliseconds: 10 } });
  const controller = new AbortController();
  const cancelled = downloadFile(
    remote(),
    options({ signal: controller.signal, onProgress: ({ done }) => done > 100_000 && controller.abort() }),
  );
  await expect(cancelled).rejects.toMatchObject({
    code: 'cancelled',
    message: expect.stringContaining('kept') as string,
  });
  const received = store.records.get(remote().url)?.received ?? 0;
  expect(received).toBeGreaterThan(100_000);
  expect(received).toBeLessThan(bytes.length);

  hub.files.set(PATH, { bytes });
  const { blob } = await downloadFile(remote(), options());
  expect(await hashOf(blob)).toBe(sha256(bytes));
  expect(ranges()).toEqual(['bytes=0-', `bytes=${received}-`]);
});

async function interrupted(bytes: Uint8Array, more: { etag?: string | null } = {}): Promise<number> {
  hub.files.set(PATH, { bytes, cut: { after: 100_000, times: 99 }, ...more });
  await expect(downloadFile(remote(), options({ retryAfterMs: [] }))).rejects.toMatchObject({ code: 'hub-broken-off' });
  const received = store.records.get(remote().url)?.received ?? 0;
  expect(received).toBeGreaterThan(0);
  return received;
}

test('a server that sends the whole file instead of the rest starts the download again', async () => {
  const bytes = content(300_000);
  await interrupted(bytes);
  hub.files.set(PATH, { bytes, ranges: 'none' });
  const { blob } = await downloadFile(remote(), options());
  expect(await hashOf(blob)).toBe(sha256(bytes));
});

test('a file that changed meanwhile starts again and is never spliced', async () => {
  await interrupted(content(300_000, 1));
  const changed = content(300_000, 2);
  hub.files.set(PATH, { bytes: changed });
  const { blob } = await downloadFile(remote(), options());
  expect(await hashOf(blob)).toBe(sha256(changed));
});

test('a file that became shorter than what is here starts again', async () => {
  await interrupted(content(300_000, 1));
  const changed = content(50_000, 2);
  hub.files.set(PATH, { bytes: changed });
  const { blob } = await downloadFile(remote(), options());
  expect(await hashOf(blob)).toBe(sha256(changed));
});

test.each([null, 'W/"1"'])('without a strong version (%s) nothing is gone on with', async (etag) => {
  const bytes = content(300_000);
  await interrupted(bytes, { etag });
  hub.files.set(PATH, { bytes, etag });
  await downloadFile(remote(), options());
  expect(ranges().at(-1)).toBe('bytes=0-');
});

test('with a known hash the rest is asked for even without a version', async () => {
  const bytes = content(300_000);
  const received = await interrupted(bytes, { etag: null });
  hub.files.set(PATH, { bytes, etag: null });
  const { blob } = await downloadFile(remote(PATH, { sha256: sha256(bytes) }), options());
  expect(ranges().at(-1)).toBe(`bytes=${received}-`);
  expect(await hashOf(blob)).toBe(sha256(bytes));
});

test('a finished download is not asked for again', async () => {
  hub.files.set(PATH, { bytes: content(10_000) });
  await downloadFile(remote(), options());
  const before = hub.log.length;
  const { blob } = await downloadFile(remote(), options());
  expect(blob.size).toBe(10_000);
  expect(hub.log).toHaveLength(before);
});

test('a server that falls silent is asked again, then given up', async () => {
  const bytes = content(300_000);
  hub.files.set(PATH, { bytes, stall: { after: 100_000, times: 1 } });
  const { blob } = await downloadFile(remote(), options({ silenceMs: 200 }));
  expect(await hashOf(blob)).toBe(sha256(bytes));

  store = memoryStore();
  hub.files.set(PATH, { bytes, stall: { after: 100_000, times: 99 } });
  await expect(downloadFile(remote(), options({ silenceMs: 50, retryAfterMs: [5] }))).rejects.toMatchObject({
    code: 'hub-silent',
    message: expect.stringContaining('sent nothing for 0.05 seconds') as string,
  });
});

test('a file that is shorter than announced never counts as whole', async () => {
  hub.files.set(PATH, { bytes: content(100_000), announced: 200_000 });
  await expect(downloadFile(remote(), options())).rejects.toMatchObject({ code: 'hub-broken-off' });
});

test('another length than the hub lists is refused, and nothing is kept', async () => {
  hub.files.set(PATH, { bytes: content(100_000) });
  await expect(downloadFile(remote(PATH, { bytes: 90_000 }), options())).rejects.toMatchObject({
    code: 'hub-wrong-length',
    message: expect.stringContaining('90000') as string,
  });
  expect(store.records.size).toBe(0);
});

test('another content than the hub lists is refused, and nothing is kept', async () => {
  const bytes = content(100_000);
  hub.files.set(PATH, { bytes });
  hub.models.set(NAME, listingOf({ 'model.safetensors': content(100_000, 2) }));
  await expect(fetchWeights(reference(), options())).rejects.toMatchObject({ code: 'hub-wrong-hash' });
  expect(store.records.size).toBe(0);
  hub.models.set(NAME, listingOf({ 'model.safetensors': bytes }));
  expect((await fetchWeights(reference(), options())).id).toBe(sha256(bytes));
});

test.each([
  [401, 'GatedRepo', 'hub-gated'],
  [403, undefined, 'hub-gated'],
  [401, 'RepoNotFound', 'hub-not-found'],
  [404, undefined, 'hub-not-found'],
  [418, undefined, 'hub-failed'],
])('status %s (%s) is %s, at once', async (status, errorCode, code) => {
  hub.files.set(PATH, { bytes: content(10), status, errorCode });
  await expect(downloadFile(remote(), options())).rejects.toMatchObject({ code });
  expect(hub.log).toHaveLength(1);
});

test('a busy server is asked again before it is given up', async () => {
  hub.files.set(PATH, { bytes: content(10), status: 503 });
  await expect(downloadFile(remote(), options())).rejects.toMatchObject({
    code: 'hub-failed',
    hint: expect.stringContaining('later') as string,
  });
  expect(hub.log).toHaveLength(4);
});

test.each([
  ['text/html; charset=utf-8', 'anything'],
  ['application/octet-stream', '\n<!DOCTYPE html><html>sign in</html>'],
  ['text/plain', 'version https://git-lfs.github.com/spec/v1\noid sha256:1\n'],
  ['application/octet-stream', ''],
])('%s with "%s" is no file, and nothing is kept', async (contentType, text) => {
  hub.files.set(PATH, { bytes: new TextEncoder().encode(text), contentType });
  await expect(downloadFile(remote(), options())).rejects.toMatchObject({ code: 'hub-not-a-file' });
  expect(store.records.get(remote().url)?.received ?? 0).toBe(0);
});

test('a name that is not quite right is answered with the one that is meant', async () => {
  const known = ['timm/resnet18.a1_in1k', 'timm/mobilenetv3_small_100.lamb_in1k'];
  for (const name of ['timm/resnet18', 'timm/resnet18.a2_in1k', 'timm/resnet18.a1_in1']) {
    await expect(remoteOffer(reference(name), options({ known }))).rejects.toMatchObject({
      code: 'hub-not-found',
      hint: 'Did you mean "timm/resnet18.a1_in1k"?',
    });
  }
});

test('a mirror without a list is asked for the second file when it has not the first', async () => {
  const bytes = content(1234);
  hub.files.set(`${NAME}/pytorch_model.bin`, { bytes });
  const offer = await remoteOffer(reference(), options());
  expect(offer).toMatchObject({ bytes: 1234, licence: null, file: { path: 'pytorch_model.bin' } });
  const fetched = await fetchWeights(reference(), options());
  expect(fetched.files.map(({ path }) => path)).toEqual(['pytorch_model.bin']);
  expect(fetched.id).toBe(sha256(bytes));
  expect(store.records.size).toBe(1);
  await fetched.release();
  expect(store.records.size).toBe(0);
});

test('the list gives size, licence and hash; config.json how the images were prepared', async () => {
  const bytes = content(5000);
  hub.files.set(PATH, { bytes });
  hub.models.set(
    NAME,
    listingOf({ 'README.md': content(3), 'model.safetensors': bytes }, { cardData: { license: 'mit' } }),
  );
  const config = {
    num_classes: 2,
    label_names: ['cat', 'dog'],
    pretrained_cfg: {
      input_size: [3, 240, 240],
      mean: [0.5, 0.5, 0.5],
      std: [0.2, 0.3, 0.4],
      interpolation: 'bicubic',
      crop_mode: 'center',
      license: 'apache-2.0',
    },
  };
  hub.files.set(`${NAME}/config.json`, { bytes: new TextEncoder().encode(JSON.stringify(config)), direct: true });
  expect(await remoteOffer(reference(), options())).toMatchObject({ bytes: 5000, licence: 'mit' });
  // The size is in the list: the file itself was not asked for.
  expect(hub.log).toEqual([`GET /api/models/${NAME}`]);
  expect(await fetchWeights(reference(), options())).toMatchObject({
    id: sha256(bytes),
    licence: 'apache-2.0',
    classes: ['cat', 'dog'],
    preprocess: {
      mean: [0.5, 0.5, 0.5],
      std: [0.2, 0.3, 0.4],
      imageSize: [240, 240],
      resize: 'crop',
      interpolation: 'bicubic',
    },
  });
});

test('a model without weights that are known here says what it has', async () => {
  hub.models.set(NAME, listingOf({ 'tf_model.h5': content(3) }));
  await expect(remoteOffer(reference(), options())).rejects.toMatchObject({
    code: 'hub-no-weights',
    message: expect.stringContaining('tf_model.h5') as string,
  });
});

test('a model.json brings the shards that lie beside it', async () => {
  const manifest = { weightsManifest: [{ paths: ['group1-shard1of2.bin', 'group1-shard2of2.bin'], weights: [] }] };
  hub.files.set('nets/model.json', { bytes: new TextEncoder().encode(JSON.stringify(manifest)), direct: true });
  hub.files.set('nets/group1-shard1of2.bin', { bytes: content(100, 1), direct: true });
  hub.files.set('nets/group1-shard2of2.bin', { bytes: content(50, 2), direct: true });
  const { files } = await fetchWeights(reference(`${hub.base}/nets/model.json`), options());
  expect(files.map(({ path, blob }) => [path, blob.size])).toEqual([
    ['model.json', expect.any(Number)],
    ['group1-shard1of2.bin', 100],
    ['group1-shard2of2.bin', 50],
  ]);
});

test('no host but the allowed ones is asked, and no redirect to another is taken', async () => {
  await expect(remoteOffer(reference('https://elsewhere.example/net.pth'), options())).rejects.toMatchObject({
    code: 'hub-host',
    message: expect.stringContaining('elsewhere.example') as string,
  });
  hub.files.set(PATH, { bytes: content(100) });
  // The second origin is not among the allowed ones here.
  await expect(downloadFile(remote(), options({ hub: readHub(hub.base) }))).rejects.toMatchObject({
    code: 'hub-host',
    message: expect.stringContaining('sent the download on') as string,
  });
  expect(store.records.size).toBe(0);
});

test('a server that is not there is said to be unreachable', async () => {
  const { url } = remote();
  await hub.close();
  await expect(downloadFile({ ...remote(), url }, options({ retryAfterMs: [1] }))).rejects.toMatchObject({
    code: 'hub-unreachable',
  });
});
