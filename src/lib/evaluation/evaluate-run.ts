// Evaluates a model on a split and, where the model is a run's checkpoint, keeps the result with the run.

import type { Database } from '$lib/storage/database';
import { addEvaluation } from '$lib/storage/evaluations';
import type { EvaluationRecord } from '$lib/storage/records';
import type { ImageResults } from '$lib/tasks/contract';
import type { OutputProgress } from '$lib/training/predict';
import { cachedSplit, evaluateCached } from './cached';
import { evaluateHeldOut, type HeldOutRequest } from './held-out';

export interface EvaluateModelRequest extends HeldOutRequest {
  version: HeldOutRequest['version'] & { id: string };
  database: Database;
  /** Whose weights these are; null for a bundle, whose evaluation is kept nowhere. */
  run: { id: string; checkpoint: string; epoch: number } | null;
  onProgress?: (progress: OutputProgress) => void;
}

/** An evaluation with its rows, one for each image. Those of a bundle have the run id '' and epoch 0. */
export type FullEvaluation = EvaluationRecord & { images: ImageResults };

/** Throws as {@link evaluateHeldOut} does; nothing is stored then. */
export async function evaluateModel(request: EvaluateModelRequest): Promise<FullEvaluation> {
  const { database, version, split, onProgress } = request;
  const { id: runId, checkpoint, epoch } = request.run ?? { id: '', checkpoint: 'best', epoch: 0 };
  // Features that are stored need not be computed again; what comes out is the same.
  const cached = await cachedSplit(database, request);
  const evaluating = cached === null ? evaluateHeldOut(request) : evaluateCached(request, cached);
  for (;;) {
    const next = await evaluating.next();
    if (next.done !== true) {
      onProgress?.(next.value);
      continue;
    }
    const { result, images } = next.value;
    const record: EvaluationRecord = {
      id: crypto.randomUUID(),
      runId,
      checkpoint,
      epoch,
      versionId: version.id,
      split,
      createdAt: Date.now(),
      result,
    };
    if (request.run !== null) await addEvaluation(database, record, images);
    return { ...record, images };
  }
}
