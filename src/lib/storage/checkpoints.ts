// Checkpoints of a run: one 'best' and one 'last', each replaced whole.

import { TrainyardError } from '$lib/core/errors';
import type { TrainState } from '$lib/engines/contract';
import type { CheckpointRecord, RunRecord } from './records';
import type { CheckpointSummary, Database } from './schema';
import { write } from './transaction';

/**
 * Replaces the run's checkpoints of the given kinds and changes the run record with them, in one transaction: after a crash
 * the run never names an epoch whose weights are gone. Throws 'run-missing'.
 */
export async function saveCheckpoints(
  database: Database,
  runId: string,
  checkpoints: readonly CheckpointRecord[],
  change: Partial<Omit<RunRecord, 'id'>> = {},
): Promise<RunRecord> {
  return write(database, ['runs', 'checkpoints', 'states'], async (transaction) => {
    const runs = transaction.objectStore('runs');
    const summaries = transaction.objectStore('checkpoints');
    const states = transaction.objectStore('states');
    const run = await runs.get(runId);
    if (run === undefined)
      throw new TrainyardError('run-missing', 'The run of this checkpoint is not in this browser.');
    for (const { state, ...summary } of checkpoints) {
      const old = await summaries.index('kind').getKey([runId, summary.kind]);
      if (old !== undefined) {
        await summaries.delete(old);
        await states.delete(old);
      }
      await summaries.add({ ...summary, runId, bytes: stateBytes(state) });
      await states.add({ checkpointId: summary.id, state });
    }
    const changed = { ...run, ...change };
    await runs.put(changed);
    return changed;
  });
}

/** Without their tensors; best first. */
export async function listCheckpoints(database: Database, runId: string): Promise<CheckpointSummary[]> {
  const checkpoints = await database.getAllFromIndex('checkpoints', 'runId', runId);
  return checkpoints.sort((a, b) => a.kind.localeCompare(b.kind));
}

/** With its tensors. Throws 'checkpoint-missing'. */
export async function getCheckpoint(
  database: Database,
  runId: string,
  kind: CheckpointRecord['kind'],
): Promise<CheckpointRecord> {
  const transaction = database.transaction(['checkpoints', 'states']);
  const summary = await transaction.objectStore('checkpoints').index('kind').get([runId, kind]);
  const state = summary === undefined ? undefined : await transaction.objectStore('states').get(summary.id);
  if (summary === undefined || state === undefined) {
    throw new TrainyardError(
      'checkpoint-missing',
      `This run has no ${kind} checkpoint.`,
      'Train for at least one epoch, or stop the run, which keeps one.',
    );
  }
  const { bytes: _bytes, ...rest } = summary;
  return { ...rest, state: state.state };
}

function stateBytes(state: TrainState): number {
  let bytes = 0;
  for (const values of [...state.parameters.values(), ...state.optimizer.values()]) bytes += values.byteLength;
  return bytes;
}
