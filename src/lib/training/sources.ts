// The images of a run, or the features of its frozen backbone, as the batches that its phases train on.

import { splitAtFeatures } from '$lib/graph/heads';
import { withNormalization } from '$lib/graph/passes';
import type { Graph } from '$lib/graph/types';
import type { Job } from '$lib/job/job';
import { createLoader, type Loader } from '$lib/pipeline/loader';
import { createMixer } from '$lib/pipeline/mix';
import { pairedOrder } from '$lib/pipeline/order';
import type { DecodePool } from '$lib/pipeline/pool';
import type { Item, ResolvedPreprocess } from '$lib/storage/records';
import type { Task } from '$lib/tasks/contract';
import { mixedSource, taughtSource } from './derived';
import { cachedCopies } from './features';
import { featureSource, type FeatureTable } from './feature-table';
import { sampledOrder } from './sampling';
import { annotationsOf, sourceOf, type BatchSource } from './source';
import type { OpenTeacher } from './teacher';

export interface Sources {
  /** `paired` keeps images of a class together, as they are: for metric learning. */
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
  /** Parts in which a batch of training is computed: validation has batches of that size. */
  accumulate: number;
}

function orderOf({ job, task, splits }: SourceOptions, paired: boolean): ((epoch: number) => Uint32Array) | undefined {
  const { sampling } = job.training;
  if (!paired && sampling === 'shuffle') return undefined;
  const strata = Array.from(task.strata(annotationsOf(splits.train)));
  if (paired || sampling === 'shuffle') return (epoch) => pairedOrder(strata, job.seed, epoch);
  return (epoch) => sampledOrder(strata, sampling, job.seed, epoch);
}

function evaluationBatch({ job, accumulate }: SourceOptions): number {
  return Math.ceil(job.training.batch_size / accumulate);
}

/** Batches of images, augmented and mixed for training. Takes the teacher over. */
export async function imageSources(
  options: SourceOptions,
  pool: DecodePool,
  teacher: OpenTeacher | null = null,
): Promise<Sources> {
  const { job, task, classes, preprocess, splits } = options;
  const shared = { pool, preprocess, seed: job.seed };
  const loaders: Loader[] = [];
  const open = async (
    more: Pick<Parameters<typeof createLoader>[0], 'items' | 'augment' | 'batchSize' | 'minimumBatch'>,
  ) => {
    const loader = await createLoader({ ...shared, ...more });
    loaders.push(loader);
    return loader;
  };
  const train = await open({ items: splits.train, augment: job.augment, batchSize: job.training.batch_size });
  const evaluating = { augment: null, minimumBatch: 1, batchSize: evaluationBatch(options) };
  const val = splits.val.length > 0 ? await open({ items: splits.val, ...evaluating }) : null;
  return {
    train: (paired) => {
      const order = orderOf(options, paired);
      const plain = sourceOf(train, { items: splits.train, task, classes, shuffle: true, order });
      if (paired) return plain;
      return taughtSource(mixedSource(plain, createMixer(job.mix, job.seed)), teacher?.teach ?? null);
    },
    val: val === null ? null : sourceOf(val, { items: splits.val, task, classes, shuffle: false }),
    reader: (network) => withNormalization(network, preprocess.mean, preprocess.std),
    async dispose() {
      teacher?.dispose();
      await Promise.allSettled(loaders.map((loader) => loader.dispose()));
    },
  };
}

/** Batches of features that are all in the table; of what mixes images mixup alone has a meaning there. */
export function featureSources(options: SourceOptions, table: FeatureTable, shape: readonly number[]): Sources {
  const { job, task, classes, splits } = options;
  const shared = { task, classes, shape, seed: job.seed };
  const batchSize = job.training.batch_size;
  const train = { ...shared, batchSize, items: splits.train, shuffle: true, copies: cachedCopies(job) };
  const evaluating = { batchSize: evaluationBatch(options), items: splits.val, shuffle: false, copies: 0 };
  return {
    train: (paired) => {
      const plain = featureSource(table, { ...train, order: orderOf(options, paired) });
      return paired ? plain : mixedSource(plain, createMixer(job.mix, job.seed, { features: true }));
    },
    val: splits.val.length > 0 ? featureSource(table, { ...shared, ...evaluating }) : null,
    reader: (network) => splitAtFeatures(network).head,
    dispose: () => Promise.resolve(),
  };
}
