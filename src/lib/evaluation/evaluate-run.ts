// Evaluates a checkpoint of a run and keeps the result with it.

import { addEvaluation } from '$lib/storage/evaluations';
import type { Database } from '$lib/storage/database';
import type { DatasetVersionRecord, EvaluationRecord, SplitName } from '$lib/storage/records';
import type { Engine } from '$lib/engines/contract';
import type { DecodePool } from '$lib/pipeline/pool';
import type { ImageResults } from '$lib/tasks/contract';
import { evaluateHeldOut } from './held-out';
import { loadRunModel } from './trained-model';

export interface EvaluateRunRequest {
  database: Database;
  runId: string;
  checkpoint: 'best' | 'last';
  /** Null takes the run's own data. */
  version: DatasetVersionRecord | null;
  split: SplitName;
  engine: Engine;
  pool: DecodePool;
  signal?: AbortSignal;
  onProgress?: (progress: { done: number; total: number }) => void;
}

/** Throws as {@link evaluateHeldOut} and {@link loadRunModel} do; nothing is stored then. */
export async function evaluateRun(request: EvaluateRunRequest): Promise<EvaluationRecord & { images: ImageResults }> {
  const { database, runId, split, engine, pool, signal, onProgress } = request;
  const { model, version: own, checkpoint } = await loadRunModel(database, runId, request.checkpoint);
  const version = request.version ?? own;
  const evaluating = evaluateHeldOut({ model, version, split, engine, pool, signal });
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
      checkpoint: request.checkpoint,
      epoch: checkpoint.epoch,
      versionId: version.id,
      split,
      createdAt: Date.now(),
      result,
    };
    await addEvaluation(database, record, images);
    return { ...record, images };
  }
}
