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
  signal?: AbortSignal;
}

/** Where the honest score comes from: test, else validation; null where nothing is held out. */
export function heldOutSplit(items: readonly Item[]): SplitName | null {
  const present = new Set(items.map(({ split }) => split));
  return (['test', 'val'] as const).find((split) => present.has(split)) ?? null;
}

/** The images of a split as the model sees them, in their own order. The caller ends it by `dispose`. */
export async function openSplit(
  items: readonly Item[],
  { model, pool }: Pick<HeldOutRequest, 'model' | 'pool'>,
): Promise<BatchSource & { dispose(): Promise<void> }> {
  const loader = await createLoader({
    pool,
    items,
    preprocess: model.preprocess,
    augment: null,
    seed: model.job.seed,
    batchSize: model.job.training.batch_size,
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
