// A database of version 2, with runs as they were stored then, is upgraded, and its runs go on to the bits that they would have had.
// Trains for real, in the test's own thread.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { getPath } from '$lib/core/path';
import { ADDED_IN_2 } from '$lib/job/additions';
import { JOB_VERSION } from '$lib/job/job';
import { getCheckpoint, listCheckpoints } from '$lib/storage/checkpoints';
import { openDatabase, type Database } from '$lib/storage/database';
import type { RunRecord } from '$lib/storage/records';
import { getRun } from '$lib/storage/runs';
import { MIGRATIONS, STORE_NAMES } from '$lib/storage/schema';
import { createControl } from '$lib/training/control';
import type { RunEvent } from '$lib/training/events';
import { resumeRun, startRun } from '$lib/training/run';
import { toolsHere } from '../training/here';
import { openWorkbench, type Workbench } from '../training/workbench';
import { freshName, openFresh } from './open';

let bench: Workbench;

beforeAll(async () => {
  bench = await openWorkbench(60);
});

afterAll(() => bench.close());

/** A job as version 1 wrote it. */
const OLD_JOB = {
  version: 1,
  training: { epochs: 4, batch_size: 16 },
  scheduler: { name: 'cosine', warmup_epochs: 1 },
};

async function train(name: string, stopAt: number): Promise<RunRecord> {
  const { control, stop } = createControl();
  const listener = (event: RunEvent): void => {
    if (event.type === 'epoch' && event.epoch === stopAt) stop();
  };
  const { version, database } = bench;
  const request = { projectId: version.projectId, versionId: version.id, job: bench.job(OLD_JOB), name };
  return startRun(request, { ...toolsHere(database, listener), control });
}

/** Everything of `from`, as version 2 stored it, in a new database of that version; of the runs these alone: files share a browser. */
async function asVersion2(from: Database, runs: readonly RunRecord[]): Promise<string> {
  const name = freshName();
  const old = await openDatabase({ name, migrations: MIGRATIONS.slice(0, 2) });
  const stores = STORE_NAMES.filter((store) => old.objectStoreNames.contains(store));
  expect(old.version).toBe(2);
  expect(STORE_NAMES.length).toBeGreaterThan(stores.length);
  const put = async (store: (typeof STORE_NAMES)[number], value: unknown): Promise<void> => {
    await Reflect.apply(old.put, old, [store, value]);
  };
  for (const store of stores) {
    if (store === 'states') continue;
    for (const value of await from.getAll(store)) {
      const run = getPath(value, store === 'runs' ? 'id' : 'runId');
      if (typeof run === 'string' && (store === 'runs' || store === 'checkpoints')) {
        if (!runs.some(({ id }) => id === run)) continue;
      }
      if (store === 'runs') await put(store, withOldJob(value));
      else if (store === 'checkpoints') await putOldCheckpoint(from, value, put);
      else await put(store, value);
    }
  }
  old.close();
  return name;
}

function withOldJob(run: unknown): unknown {
  const job = structuredClone(getPath(run, 'job')) as Record<string, unknown>;
  for (const path of Object.keys(ADDED_IN_2)) {
    const parts = path.split('.');
    const last = parts.pop() ?? '';
    const parent = parts.length === 0 ? job : getPath(job, parts.join('.'));
    expect(Reflect.deleteProperty(parent as object, last), path).toBe(true);
  }
  return { ...(run as object), job: { ...job, version: 1 } };
}

/** One state a checkpoint, under its id; that of the best without its optimiser's part. */
async function putOldCheckpoint(
  from: Database,
  value: unknown,
  put: (store: 'checkpoints' | 'states', value: unknown) => Promise<void>,
): Promise<void> {
  const { slot, stateId, ...old } = value as Record<string, string>;
  const record = await from.get('states', stateId);
  const state = record?.state;
  expect([slot, state?.optimizer.size]).toEqual([old.kind, 2]);
  await put('checkpoints', old);
  await put('states', {
    checkpointId: old.id,
    state: old.kind === 'best' ? { ...state, optimizer: new Map() } : state,
  });
}

test('runs of a version-2 database keep their checkpoints and go on to the same bits', async () => {
  const whole = await train('whole', Infinity);
  const stopped = await train('stopped', 2);
  expect([whole.status, stopped.status]).toEqual(['done', 'stopped']);
  const database = await openFresh({ name: await asVersion2(bench.database, [whole, stopped]) });

  const run = await getRun(database, stopped.id);
  expect(run.job.version).toBe(JOB_VERSION);
  expect(run.job).toEqual(stopped.job);
  const checkpoints = await listCheckpoints(database, stopped.id);
  expect(checkpoints.map(({ kind, slot, id, stateId }) => [kind, slot, stateId === id])).toEqual([
    ['best', 'best', true],
    ['last', 'last', true],
  ]);
  expect((await getCheckpoint(database, stopped.id, 'best')).state.parameters.size).toBeGreaterThan(0);
  expect(await database.count('queue')).toBe(0);

  const resumed = await resumeRun(stopped.id, toolsHere(database));
  expect(resumed).toMatchObject({ status: 'done', epochsDone: 4, best: whole.best });
  const [found, expected] = await Promise.all([
    getCheckpoint(database, stopped.id, 'last'),
    getCheckpoint(bench.database, whole.id, 'last'),
  ]);
  expect(found.state).toEqual(expected.state);
  // None of the states that were replaced is left.
  const named = new Set((await database.getAll('checkpoints')).map(({ stateId }) => stateId));
  expect((await database.getAllKeys('states')).sort()).toEqual([...named].sort());
});
