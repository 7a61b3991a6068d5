// Runs and their events. Events are only ever appended, in order.

import { TrainyardError } from '$lib/core/errors';
import type { RunEvent } from '$lib/training/events';
import type { RunEventRecord, RunRecord } from './records';
import { STORE_NAMES, type Database } from './schema';
import { deleteState } from './state-parts';
import { write, type WriteTransaction } from './transaction';

export async function createRun(database: Database, run: RunRecord): Promise<void> {
  await write(database, ['runs', 'projects'], async (transaction) => {
    const project = await transaction.objectStore('projects').get(run.projectId);
    if (project === undefined) {
      throw new TrainyardError(
        'project-missing',
        'The project of this run is not in this browser.',
        'Open another project.',
      );
    }
    await transaction
      .objectStore('projects')
      .put({ ...project, updatedAt: Math.max(project.updatedAt, run.createdAt) });
    await transaction.objectStore('runs').add(run);
  });
}

/** Throws 'run-missing'. */
export async function getRun(database: Database, id: string): Promise<RunRecord> {
  return found(await database.get('runs', id));
}

/** Newest first. */
export async function listRuns(database: Database, projectId: string): Promise<RunRecord[]> {
  const runs = await database.getAllFromIndex('runs', 'projectId', projectId);
  return runs.sort((a, b) => b.createdAt - a.createdAt);
}

/** Changes the fields given; a run that was deleted meanwhile stays deleted ('run-missing'). */
export async function updateRun(
  database: Database,
  id: string,
  change: Partial<Omit<RunRecord, 'id'>>,
): Promise<RunRecord> {
  return write(database, ['runs'], async (transaction) => {
    const run = { ...found(await transaction.objectStore('runs').get(id)), ...change };
    await transaction.objectStore('runs').put(run);
    return run;
  });
}

const ALIVE: readonly string[] = ['running', 'paused'] satisfies RunRecord['status'][];

/**
 * Marks runs that say 'running' or 'paused' though nothing runs them (their tab was closed) as 'interrupted'. `alive` are the ids that do
 * run, here or in another tab. Returns those that were marked.
 */
export async function markInterrupted(database: Database, alive: ReadonlySet<string>): Promise<RunRecord[]> {
  return write(database, ['runs'], async (transaction) => {
    const runs = await transaction.objectStore('runs').getAll();
    const marked = runs
      .filter((run) => ALIVE.includes(run.status) && !alive.has(run.id))
      .map((run): RunRecord => ({ ...run, status: 'interrupted', endedAt: run.endedAt ?? Date.now() }));
    await Promise.all(marked.map((run) => transaction.objectStore('runs').put(run)));
    return marked;
  });
}

/** Deletes a run with its events, checkpoints and evaluations. Only ever called because the person asked for it. */
export async function deleteRun(database: Database, id: string): Promise<void> {
  await write(database, STORE_NAMES, async (transaction) => {
    found(await transaction.objectStore('runs').get(id));
    await deleteRunRecords(transaction, id);
  });
}

/** All that belongs to a run, inside a transaction of the caller. */
export async function deleteRunRecords(transaction: WriteTransaction<typeof STORE_NAMES>, id: string): Promise<void> {
  await transaction.objectStore('events').delete(eventsOf(id, 0));
  const checkpoints = transaction.objectStore('checkpoints');
  for (const checkpoint of await checkpoints.index('runId').getAll(id)) {
    await deleteState(transaction, checkpoint.stateId);
    await checkpoints.delete(checkpoint.id);
  }
  const evaluations = transaction.objectStore('evaluations');
  for (const key of await evaluations.index('runId').getAllKeys(id)) {
    await transaction.objectStore('imageResults').delete(key);
    await evaluations.delete(key);
  }
  await transaction.objectStore('runs').delete(id);
}

/** Appends in the order given, after all that is there. Returns the next free sequence number. */
export async function appendEvents(database: Database, runId: string, events: readonly RunEvent[]): Promise<number> {
  // Relaxed: a power cut may cost the last second of a curve, and forcing the disk ten times a second would slow training.
  return write(
    database,
    ['events'],
    async (transaction) => {
      const store = transaction.objectStore('events');
      const last = await store.openKeyCursor(eventsOf(runId, 0), 'prev');
      let sequence = last === null ? 0 : last.key[1] + 1;
      const time = Date.now();
      await Promise.all(events.map((event) => store.add({ runId, sequence: sequence++, time, event })));
      return sequence;
    },
    { durability: 'relaxed' },
  );
}

/** Events from `sequence` on, in order, at most `limit`. */
export async function readEvents(
  database: Database,
  runId: string,
  sequence = 0,
  limit?: number,
): Promise<RunEventRecord[]> {
  return database.getAll('events', eventsOf(runId, sequence), limit);
}

function eventsOf(runId: string, from: number): IDBKeyRange {
  return IDBKeyRange.bound([runId, from], [runId, Infinity]);
}

function found(run: RunRecord | undefined): RunRecord {
  if (run !== undefined) return run;
  throw new TrainyardError(
    'run-missing',
    'This run is not in this browser.',
    'It may have been deleted in another tab.',
  );
}
