// Evaluates a trained model on one split of a stored data set: images in, result out. Stores nothing.

import type { Engine } from '$lib/engines/contract';
import type { TrainedModel } from '$lib/interchange/contract';
import { createLoader } from '$lib/pipeline/loader';
import type { DecodePool } from '$lib/pipeline/pool';
import type { DatasetVersionRecord, Item, SplitName } from '$lib/storage/records';
import type { EvaluationResult, ImageResults } from '$lib/tasks/contract';
import { getTask } from '$lib/tasks/registry';
import type { OutputProgress } from '$lib/training/predict';
import { annotationsOf, sourceOf, type BatchSource } from '$lib/training/source';
import { matchClasses } from './classes';
import { evaluate } from './evaluate';
import { openPredictor } from './model-predictor';

export interface HeldOutRequest {
  model: Pick<TrainedModel, 'graph' | 'parameters' | 'classes' | 'preprocess' | 'task' | 'job' | 'extractor'>;
  version: Pick<DatasetVersionRecord, 'classes' | 'items'>;
  split: SplitName;
  engine: Engine;
  pool: DecodePool;
  /** Parts in which a batch of training was computed, where that is not the job's own number: a part is what the device can do. */
  accumulate?: number;
  signal?: AbortSignal;
}

/** Images at a time: as many as a step of training had at once. */
export function evaluationBatch({ model, accumulate }: Pick<HeldOutRequest, 'model' | 'accumulate'>): number {
  const { batch_size, accumulate: parts } = model.job.training;
  return Math.ceil(batch_size / (accumulate ?? parts));
}

/** Where the honest score comes from: test, else validation; null where nothing is held out. */
export function heldOutSplit(items: readonly Item[]): SplitName | null {
  const present = new Set(items.map(({ split }) => split));
  return (['test', 'val'] as const).find((split) => present.has(split)) ?? null;
}

/** The images of a split as the model sees them, in their own order. The caller ends it by `dispose`. */
export async function openSplit(
  items: readonly Item[],
  request: Pick<HeldOutRequest, 'model' | 'pool' | 'accumulate'>,
): Promise<BatchSource & { dispose(): Promise<void> }> {
  const { model, pool } = request;
  const loader = await createLoader({
    pool,
    items,
    preprocess: model.preprocess,
    augment: null,
    seed: model.job.seed,
    batchSize: evaluationBatch(request),
    minimumBatch: 1,
  });
  const split = { items, task: getTask(model.task.id), classes: model.classes, shuffle: false };
  return { ...sourceOf(loader, split), dispose: () => loader.dispose() };
}

/** Yields progress. Throws 'unknown-classes', 'empty-split' and, when aborted, 'cancelled'. */
export async function* evaluateHeldOut(
  request: HeldOutRequest,
): AsyncGenerator<OutputProgress, { result: EvaluationResult; images: ImageResults }> {
  const { model, version, split, engine, signal } = request;
  const names = version.classes.map(({ name }) => name);
  const items = matchClasses(version.items, names, model.classes);
  const source = await openSplit(
    items.filter((item) => item.split === split),
    request,
  );
  try {
    const predictor = await openPredictor(engine, model);
    try {
      return yield* evaluate({
        model: predictor,
        source,
        task: getTask(model.task.id),
        classes: model.classes,
        train: annotationsOf(items.filter((item) => item.split === 'train')),
        signal,
      });
    } finally {
      predictor.dispose();
    }
  } finally {
    await source.dispose();
  }
}
