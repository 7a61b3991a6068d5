// A disk that is full in the middle of a run: the run fails and says so, keeps what was good, and goes on to the same bits once there
// is room. The quota is the browser's own, of a small storage bucket, so that nothing is simulated.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPool } from '$lib/pipeline/pool';
import { getBlob } from '$lib/storage/blobs';
import { getCheckpoint, listCheckpoints } from '$lib/storage/checkpoints';
import { DATABASE_NAME, openDatabase, type Database } from '$lib/storage/database';
import { recoverRuns } from '$lib/storage/run-locks';
import { getRun, listRuns } from '$lib/storage/runs';
import type { RunEvent } from '$lib/training/events';
import { resumeRun, startRun, type RunTools } from '$lib/training/run';
import { spawnDecodeWorker } from '$workers/spawn-decode';
import { toolsHere } from './here';
import { openWorkbench, type Workbench } from './workbench';

const QUOTA = 12e6;

/** Chromium's Storage Buckets, of which the DOM types know nothing: databases of their own quota beside the page's. */
interface Buckets {
  open(name: string, options: { quota: number }): Promise<{ indexedDB: IDBFactory }>;
  delete(name: string): Promise<void>;
}
const { storageBuckets } = navigator as Navigator & { storageBuckets: Buckets };

let bench: Workbench;
/** In the bucket; the images stay in the page's own database. */
let small: Database;
/** Beside it in the bucket: what takes the room. To delete a whole database frees its bytes at once. */
let filler: Database;
let inBucket: IDBFactory;

beforeAll(async () => {
  bench = await openWorkbench(120);
  const ofThePage = Object.getOwnPropertyDescriptor(globalThis, 'indexedDB');
  const bucket = await storageBuckets.open('run', { quota: QUOTA });
  Object.defineProperty(globalThis, 'indexedDB', { configurable: true, value: bucket.indexedDB });
  inBucket = bucket.indexedDB;
  small = await openDatabase();
  filler = await openDatabase({ name: 'filler' });
  if (ofThePage !== undefined) Object.defineProperty(globalThis, 'indexedDB', ofThePage);
  for (const store of ['projects', 'datasets', 'versions', 'items'] as const) {
    for (const record of await bench.database.getAll(store)) await small.put(store, record);
  }
});

afterAll(async () => {
  small.close();
  bench.close();
  // First: a bucket that goes with a database in it ends what that still has to do.
  await deleteInBucket(DATABASE_NAME);
  await storageBuckets.delete('run');
});

function tools(listener: (event: RunEvent) => void = () => undefined): RunTools {
  const readBlobs = (hashes: readonly string[]): Promise<Blob[]> =>
    Promise.all(hashes.map((hash) => getBlob(bench.database, hash)));
  return { ...toolsHere(small, listener), pool: () => createPool({ spawn: spawnDecodeWorker, readBlobs }) };
}

function deleteInBucket(name: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const request = inBucket.deleteDatabase(name);
    request.onsuccess = resolve;
    request.onerror = reject;
  });
}

/** Takes all the room that is left, to the last few kilobytes. */
async function fillUp(): Promise<void> {
  for (let size = 4e6; size > 2000;) {
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(bytes.subarray(at, Math.min(size, at + 65_536)));
    try {
      await filler.put('blobs', { hash: crypto.randomUUID(), mime: 'image/png', bytes });
    } catch {
      size = Math.floor(size / 2);
    }
  }
}

it('a full disk ends a run with its last good checkpoint, and with room again it comes to the same bits', async () => {
  const { version } = bench;
  const job = bench.job({ training: { epochs: 4, batch_size: 16 }, ema: { decay: 0.9 }, checkpoints: { top_k: 3 } });
  const request = { projectId: version.projectId, versionId: version.id, job };
  const whole = await startRun({ ...request, name: 'whole' }, tools());
  const expected = await getCheckpoint(small, whole.id, 'last');

  let filled: Promise<void> | undefined;
  const failing = startRun(
    { ...request, name: 'full' },
    tools((event) => {
      if (event.type === 'checkpoint' && event.step >= 5) filled ??= fillUp();
    }),
  );
  await expect(failing).rejects.toMatchObject({ code: 'storage-full' });
  await filled;
  const found = (await listRuns(small, version.projectId)).find(({ name }) => name === 'full');
  if (found === undefined) throw new Error('the run is gone');
  const slots = (await listCheckpoints(small, found.id)).map(({ slot }) => slot);
  expect(slots).toContain('last');
  const { state } = await getCheckpoint(small, found.id, 'last');
  expect(state.step).toBeGreaterThanOrEqual(5);
  expect(state.step).toBeLessThan(expected.state.step);

  filler.close();
  await deleteInBucket('filler');
  // Where not even its end could be noted, the next start of the app does.
  await recoverRuns(small);
  expect(['failed', 'interrupted']).toContain((await getRun(small, found.id)).status);
  const resumed = await resumeRun(found.id, tools());
  expect(resumed).toMatchObject({ status: 'done', error: null });
  const last = await getCheckpoint(small, found.id, 'last');
  for (const part of ['parameters', 'ema', 'optimizer'] as const) {
    for (const [name, values] of expected.state[part] ?? []) expect(last.state[part]?.get(name), name).toEqual(values);
  }
  expect(last.carried).toEqual(expected.carried);
});
