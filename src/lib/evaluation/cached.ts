// Evaluates a model with a frozen backbone on features that are stored already: the same numbers without looking at an image, and
// beside them what the nearest neighbours on those features get.

import { splitAtFeatures } from '$lib/graph/heads';
import { neighbourVotes } from '$lib/metrics/knn';
import type { Database } from '$lib/storage/database';
import type { Item } from '$lib/storage/records';
import type { EvaluationResult, ImageResults, Task } from '$lib/tasks/contract';
import { getTask } from '$lib/tasks/registry';
import { backboneOf, usesFeatureCache } from '$lib/training/backbone';
import { featureSource, plainIds, type FeatureTable } from '$lib/training/feature-table';
import { storedFeatures } from '$lib/training/features';
import type { OutputProgress } from '$lib/training/predict';
import { annotationsOf } from '$lib/training/source';
import { matchClasses } from './classes';
import { evaluate } from './evaluate';
import { evaluationBatch, type HeldOutRequest } from './held-out';

/** Neighbours asked by the baseline. */
const NEIGHBOURS = 5;
/** Products of all comparisons together: about 5 seconds. Larger data sets go without the baseline. */
const MOST_PRODUCTS = 5e9;

export interface CachedSplit {
  features: FeatureTable;
  shape: readonly number[];
  items: readonly Item[];
  /** The train split; empty where not all of its features are stored. */
  train: readonly Item[];
}

/** The stored features of a split; null where some image has none. */
export async function cachedSplit(
  database: Database,
  { model, version, split }: Pick<HeldOutRequest, 'model' | 'version' | 'split'>,
): Promise<CachedSplit | null> {
  const { extractor } = model;
  const weightsId = extractor?.weightsId;
  if (!usesFeatureCache(model.job, extractor !== undefined)) return null;
  // The file in a bundle has no features here.
  if (extractor !== undefined && weightsId === undefined) return null;
  const names = version.classes.map(({ name }) => name);
  const all = matchClasses(version.items, names, model.classes);
  const items = all.filter((item) => item.split === split);
  const train = all.filter((item) => item.split === 'train');
  const frozen = extractor !== undefined && weightsId !== undefined ? { ...extractor, weightsId } : undefined;
  const { source, width, shape } = backboneOf(model.graph, model.parameters, frozen);
  const wanted = [...items, ...train];
  const features = await storedFeatures(database, { source, width, preprocess: model.preprocess, items: wanted });
  const has = (some: readonly Item[]): boolean => features !== null && plainIds(some).every((id) => features.has(id));
  if (features === null || !has(items)) return null;
  return { features, shape, items, train: has(train) ? train : [] };
}

/** As evaluateHeldOut, with the baseline of nearest neighbours. Throws 'empty-split' and, when aborted, 'cancelled'. */
export async function* evaluateCached(
  { model, version, split, engine, accumulate, signal }: HeldOutRequest,
  { features, shape, items, train }: CachedSplit,
): AsyncGenerator<OutputProgress, { result: EvaluationResult; images: ImageResults }> {
  const task = getTask(model.task.id);
  const { job, classes } = model;
  const source = featureSource(features, {
    items,
    task,
    classes,
    shape,
    batchSize: evaluationBatch({ model, accumulate }),
    seed: job.seed,
    shuffle: false,
    copies: 0,
  });
  const predictor = engine.predictor(splitAtFeatures(model.graph).head, model.parameters);
  try {
    const names = version.classes.map(({ name }) => name);
    const all = matchClasses(version.items, names, classes).filter((item) => item.split === 'train');
    const judged = yield* evaluate({ model: predictor, source, task, classes, train: annotationsOf(all), signal });
    // Train images are their own nearest neighbours.
    const baseline = split === 'train' ? null : neighbourBaseline(task, classes, features, { items, train });
    if (baseline === null) return judged;
    return { ...judged, result: { ...judged.result, baselines: [baseline] } };
  } finally {
    predictor.dispose();
  }
}

type Baseline = NonNullable<EvaluationResult['baselines']>[number];

/** Logits whose probabilities are these shares again. */
function asLogits(shares: Float32Array, activation: Task['exportActivation']['kind']): Float32Array {
  const logarithm = (share: number) => Math.log(Math.max(share, 1e-6));
  if (activation !== 'sigmoid') return shares.map(logarithm);
  return shares.map((share) => logarithm(share) - logarithm(1 - share));
}

/** What the nearest neighbours of the train split answer, judged as the model is. Null where that would take too long. */
export function neighbourBaseline(
  task: Task,
  classes: readonly string[],
  features: FeatureTable,
  { items, train }: { items: readonly Item[]; train: readonly Item[] },
): Baseline | null {
  const { width } = features;
  if (train.length === 0 || items.length * train.length * width > MOST_PRODUCTS) return null;
  const votes = neighbourVotes(
    { values: features.rows(plainIds(train)), width },
    task.targets(annotationsOf(train), classes).values,
    { values: features.rows(plainIds(items)), width },
    { k: NEIGHBOURS, weighted: true },
  );
  const { result } = task.evaluate({
    outputs: asLogits(votes, task.exportActivation.kind),
    annotations: annotationsOf(items),
    paths: items.map(({ path }) => path),
    classes,
    train: annotationsOf(train),
  });
  // Metrics of answers alone: shares of five votes are no probabilities worth a loss.
  const metrics = Object.fromEntries(Object.keys(result.baseline.metrics).map((id) => [id, result.metrics[id]]));
  return { id: 'knn', name: `${NEIGHBOURS} nearest neighbours on the features`, metrics };
}
