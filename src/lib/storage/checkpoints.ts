// Checkpoints of a run, by slot: 'best' and 'last' are replaced whole, others are added and pruned. Those that are saved together
// share their state.

import { TrainyardError } from '$lib/core/errors';
import type { TrainState } from '$lib/engines/contract';
import type { CheckpointRecord, CheckpointSlot, RunRecord } from './records';
import type { CheckpointSummary, Database } from './schema';
import { addState, deleteState, stateBytes, wholeState } from './state-parts';
import { write, type WriteTransaction } from './transaction';

const STORES = ['runs', 'checkpoints', 'states', 'stateParts'] as const;

type CheckpointWrite = WriteTransaction<typeof STORES>;

export interface CheckpointChange {
  /** Fields of the run's record that change with them. */
  run?: Partial<Omit<RunRecord, 'id'>>;
  /** Slots that go in the same transaction: those that fell out of the best few. */
  drop?: readonly CheckpointSlot[];
}

/**
 * Replaces the run's checkpoints in the given slots and changes the run record with them, in one transaction: after a crash
 * the run never names an epoch whose weights are gone. Checkpoints with the same `state` object are stored with one. Throws
 * 'run-missing'.
 */
export async function saveCheckpoints(
  database: Database,
  runId: string,
  checkpoints: readonly CheckpointRecord[],
  { run: change = {}, drop = [] }: CheckpointChange = {},
): Promise<RunRecord> {
  return write(database, STORES, async (transaction) => {
    const runs = transaction.objectStore('runs');
    const run = await runs.get(runId);
    if (run === undefined)
      throw new TrainyardError('run-missing', 'The run of this checkpoint is not in this browser.');
    for (const slot of [...checkpoints.map((checkpoint) => checkpoint.slot), ...drop]) {
      await removeSlot(transaction, runId, slot);
    }
    const stateIds = new Map<TrainState, string>();
    for (const { state, ...summary } of checkpoints) {
      const stateId = stateIds.get(state) ?? summary.id;
      if (!stateIds.has(state)) {
        stateIds.set(state, stateId);
        await addState(transaction, stateId, state);
      }
      await transaction.objectStore('checkpoints').add({ ...summary, runId, stateId, bytes: stateBytes(state) });
    }
    const changed = { ...run, ...change };
    await runs.put(changed);
    return changed;
  });
}

/** Removes checkpoints, and each state that no other one shares. */
export async function removeCheckpoints(
  database: Database,
  runId: string,
  slots: readonly CheckpointSlot[],
): Promise<void> {
  await write(database, STORES, async (transaction) => {
    for (const slot of slots) await removeSlot(transaction, runId, slot);
  });
}

async function removeSlot(transaction: CheckpointWrite, runId: string, slot: CheckpointSlot): Promise<void> {
  const summaries = transaction.objectStore('checkpoints');
  const old = await summaries.index('slot').get([runId, slot]);
  if (old === undefined) return;
  await summaries.delete(old.id);
  const sharing = await summaries.index('stateId').count(old.stateId);
  if (sharing === 0) await deleteState(transaction, old.stateId);
}

const KIND_ORDER: readonly CheckpointRecord['kind'][] = ['best', 'last', 'top', 'epoch', 'saved'];

/** Without their tensors; best first, then last, then the others by epoch. */
export async function listCheckpoints(database: Database, runId: string): Promise<CheckpointSummary[]> {
  const checkpoints = await database.getAllFromIndex('checkpoints', 'runId', runId);
  const place = ({ kind }: CheckpointSummary): number => KIND_ORDER.indexOf(kind);
  return checkpoints.sort((a, b) => place(a) - place(b) || a.epoch - b.epoch || a.createdAt - b.createdAt);
}

/** With its tensors. Throws 'checkpoint-missing'. */
export async function getCheckpoint(
  database: Database,
  runId: string,
  slot: CheckpointSlot,
): Promise<CheckpointRecord> {
  const transaction = database.transaction(['checkpoints', 'states', 'stateParts']);
  const summary = await transaction.objectStore('checkpoints').index('slot').get([runId, slot]);
  const state = summary === undefined ? undefined : await transaction.objectStore('states').get(summary.stateId);
  if (summary === undefined || state === undefined) {
    throw new TrainyardError(
      'checkpoint-missing',
      `This run has no checkpoint "${slot}".`,
      'Train for at least one epoch, or stop the run, which keeps one; "best" and "last" are there in every run that has ended.',
    );
  }
  const { bytes: _bytes, stateId: _stateId, ...rest } = summary;
  const part = (number: number) => transaction.objectStore('stateParts').get([summary.stateId, number]);
  return { ...rest, state: await wholeState(state, part) };
}
