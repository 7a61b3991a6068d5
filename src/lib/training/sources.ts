// The images of a run, or the features of its frozen backbone, as the batches that its phases train on.

import { splitAtFeatures } from '$lib/graph/heads';
import { withNormalization } from '$lib/graph/passes';
import type { Graph } from '$lib/graph/types';
import type { Job } from '$lib/job/job';
import { createLoader, type Loader } from '$lib/pipeline/loader';
import { pairedOrder } from '$lib/pipeline/order';
import type { DecodePool } from '$lib/pipeline/pool';
import type { Item, ResolvedPreprocess } from '$lib/storage/records';
import type { Task } from '$lib/tasks/contract';
import { cachedCopies } from './features';
import { featureSource, type FeatureTable } from './feature-table';
import { sourceOf, type BatchSource } from './source';

export interface Sources {
  /** `paired` keeps images of a class together. */
  train(paired: boolean): BatchSource;
  /** Null where nothing is held out for it. */
  val: BatchSource | null;
  /** What of a network reads these batches: all of it behind a normalisation, or what is behind the features. */
  reader(network: Graph): Graph;
  dispose(): Promise<void>;
}

export interface SplitItems {
  train: readonly Item[];
  val: readonly Item[];
}

interface SourceOptions {
  job: Job;
  task: Task;
  classes: readonly string[];
  preprocess: ResolvedPreprocess;
  splits: SplitItems;
}

function orderOf({ job, task, splits }: SourceOptions): (epoch: number) => Uint32Array {
  const strata = splits.train.map(({ annotation }) => task.stratum(annotation));
  return (epoch) => pairedOrder(strata, job.seed, epoch);
}

/** Batches of images, augmented for training. */
export async function imageSources(options: SourceOptions, pool: DecodePool): Promise<Sources> {
  const { job, task, classes, preprocess, splits } = options;
  const shared = { pool, preprocess, seed: job.seed, batchSize: job.training.batch_size };
  const loaders: Loader[] = [];
  const open = async (items: readonly Item[], more: { augment: Job['augment'] | null; minimumBatch?: number }) => {
    const loader = await createLoader({ ...shared, items, ...more });
    loaders.push(loader);
    return loader;
  };
  const train = await open(splits.train, { augment: job.augment });
  const val = splits.val.length > 0 ? await open(splits.val, { augment: null, minimumBatch: 1 }) : null;
  return {
    train: (paired) => {
      const order = paired ? orderOf(options) : undefined;
      return sourceOf(train, { items: splits.train, task, classes, shuffle: true, order });
    },
    val: val === null ? null : sourceOf(val, { items: splits.val, task, classes, shuffle: false }),
    reader: (network) => withNormalization(network, preprocess.mean, preprocess.std),
    async dispose() {
      await Promise.allSettled(loaders.map((loader) => loader.dispose()));
    },
  };
}

/** Batches of features that are all in the table. */
export function featureSources(options: SourceOptions, table: FeatureTable, shape: readonly number[]): Sources {
  const { job, task, classes, splits } = options;
  const shared = { task, classes, shape, batchSize: job.training.batch_size, seed: job.seed };
  const train = { ...shared, items: splits.train, shuffle: true, copies: cachedCopies(job) };
  return {
    train: (paired) => featureSource(table, { ...train, order: paired ? orderOf(options) : undefined }),
    val:
      splits.val.length > 0 ? featureSource(table, { ...shared, items: splits.val, shuffle: false, copies: 0 }) : null,
    reader: (network) => splitAtFeatures(network).head,
    dispose: () => Promise.resolve(),
  };
}
