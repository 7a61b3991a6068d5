// A full disk: the error says what takes space, and what was stored before is as it was. The quota is the browser's own, of a small
// storage bucket, so that nothing is simulated.

import { expect, onTestFinished, test } from 'vitest';
import { putBlobs } from '$lib/storage/blobs';
import { persist } from '$lib/storage/persist';
import { usage } from '$lib/storage/quota';
import type { BlobRecord } from '$lib/storage/records';
import { createRun, getRun } from '$lib/storage/runs';
import { getCheckpoint, saveCheckpoints } from '$lib/storage/checkpoints';
import { encodePng } from '$lib/data/png';
import { filesSource, runImport, storeCounts } from '../data/support';
import { fill, openFresh } from './open';
import { checkpointOf, runOf } from './runs';

const QUOTA = 8e6;

/** Chromium's Storage Buckets, of which the DOM types know nothing: a database of its own quota beside the page's. */
interface Buckets {
  open(name: string, options: { quota: number }): Promise<{ indexedDB: IDBFactory }>;
  delete(name: string): Promise<void>;
}
const { storageBuckets } = navigator as Navigator & { storageBuckets: Buckets };

/** Until the test ends, databases are opened in a bucket of 8 MB. */
async function useSmallBucket(): Promise<void> {
  const ofThePage = Object.getOwnPropertyDescriptor(globalThis, 'indexedDB');
  const bucket = await storageBuckets.open('full', { quota: QUOTA });
  Object.defineProperty(globalThis, 'indexedDB', { configurable: true, value: bucket.indexedDB });
  // After the database, which is closed and deleted by a later call of this kind: the last comes first.
  onTestFinished(async () => {
    if (ofThePage !== undefined) Object.defineProperty(globalThis, 'indexedDB', ofThePage);
    await storageBuckets.delete('full');
  });
}

/** Bytes that do not compress. */
function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, Math.min(length, at + 65_536)));
  return bytes;
}

function largeBlob(): BlobRecord {
  return { hash: crypto.randomUUID(), mime: 'image/png', bytes: randomBytes(4e6) };
}

test('usage is what the browser says, and persistence can be asked for', async () => {
  const { usedBytes, grantedBytes } = await usage();
  expect(grantedBytes).toBeGreaterThan(usedBytes);
  expect(typeof (await persist())).toBe('boolean');
});

test('blobs that do not fit are an error that names numbers and a remedy, and nothing of the batch is kept', async () => {
  await useSmallBucket();
  const database = await openFresh();
  await fill(database, 'flowers', ['a', 'b']);
  const before = await storeCounts(database);
  const batch = [largeBlob(), largeBlob(), largeBlob()];
  await expect(putBlobs(database, batch)).rejects.toMatchObject({
    code: 'storage-full',
    message: expect.stringMatching(
      /^The browser has no more room .* nothing that was saved before is lost\.$/,
    ) as string,
    hint: expect.stringContaining('Deleting the project "flowers" would free 2 B') as string,
  });
  expect(await storeCounts(database)).toEqual(before);
});

test('a checkpoint that does not fit leaves the one before and the run as they were', async () => {
  await useSmallBucket();
  const database = await openFresh();
  const { project, version } = await fill(database, 'p', ['a']);
  const run = runOf(project.id, version.id);
  await createRun(database, run);
  const first = checkpointOf(run.id, 'last', 1);
  await saveCheckpoints(database, run.id, [first], { run: { epochsDone: 1 } });
  const second = checkpointOf(run.id, 'last', 2);
  second.state.parameters.set('large', new Float32Array(randomBytes(16e6).buffer));
  await expect(saveCheckpoints(database, run.id, [second], { run: { epochsDone: 2 } })).rejects.toMatchObject({
    code: 'storage-full',
  });
  expect(await getCheckpoint(database, run.id, 'last')).toEqual(first);
  expect((await getRun(database, run.id)).epochsDone).toBe(1);
});

test('an import that does not fit leaves nothing behind', async () => {
  await useSmallBucket();
  const database = await openFresh();
  await fill(database, 'p', ['a']);
  const before = await storeCounts(database);
  const files: Record<string, Uint8Array<ArrayBuffer>> = {};
  for (let i = 0; i < 12; i++) {
    files[`${i % 2}/${i}.png`] = encodePng(
      { width: 600, height: 600, channels: 3, data: randomBytes(600 * 600 * 3) },
      1,
    );
  }
  await expect(runImport(database, filesSource('large', files))).rejects.toMatchObject({ code: 'storage-full' });
  expect(await storeCounts(database)).toEqual(before);
});
