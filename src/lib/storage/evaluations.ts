// Evaluations of a run's checkpoints with their per-image results.

import { TrainyardError } from '$lib/core/errors';
import type { ImageResults } from '$lib/tasks/contract';
import type { EvaluationRecord } from './records';
import type { Database } from './schema';
import { write } from './transaction';

/** Both or none. Throws 'run-missing' where the run was deleted meanwhile. */
export async function addEvaluation(
  database: Database,
  evaluation: EvaluationRecord,
  results: ImageResults,
): Promise<void> {
  await write(database, ['runs', 'evaluations', 'imageResults'], async (transaction) => {
    if ((await transaction.objectStore('runs').getKey(evaluation.runId)) === undefined) {
      throw new TrainyardError('run-missing', 'The run of this evaluation is not in this browser.');
    }
    await transaction.objectStore('evaluations').add(evaluation);
    await transaction.objectStore('imageResults').add({ evaluationId: evaluation.id, results });
  });
}

/** Newest first. */
export async function listEvaluations(database: Database, runId: string): Promise<EvaluationRecord[]> {
  const evaluations = await database.getAllFromIndex('evaluations', 'runId', runId);
  return evaluations.sort((a, b) => b.createdAt - a.createdAt);
}

/** Throws 'evaluation-missing'. */
export async function getEvaluation(database: Database, id: string): Promise<EvaluationRecord> {
  const evaluation = await database.get('evaluations', id);
  if (evaluation === undefined) throw missing();
  return evaluation;
}

/** Throws 'evaluation-missing'. */
export async function getImageResults(database: Database, evaluationId: string): Promise<ImageResults> {
  const record = await database.get('imageResults', evaluationId);
  if (record === undefined) throw missing();
  return record.results;
}

function missing(): TrainyardError {
  return new TrainyardError('evaluation-missing', 'This evaluation is not in this browser.', 'Evaluate the run again.');
}
