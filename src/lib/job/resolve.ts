// Defaults that depend on the model or on the data. Pure: same arguments, same answer.

import { countClasses } from '$lib/core/annotations';
import type { ModelMeta } from '$lib/models/contract';
import { IMPORTED } from '$lib/models/imported';
import type { Annotation, DatasetVersionRecord } from '$lib/storage/records';

/** What defaults look at in a data set. */
export interface JobData {
  classes: number;
  images: { train: number; val: number; test: number };
  /** Of the most frequent image size. */
  width: number;
  height: number;
  /** Red, green and blue are the same everywhere. */
  grey: boolean;
  /** Train images of the class that has the most, and of the one that has the fewest. */
  largestClass?: number;
  smallestClass?: number;
  /** Kind of the annotations; the task of a job that names none follows it. */
  annotations?: Annotation['kind'];
}

export function summarizeData(version: Pick<DatasetVersionRecord, 'classes' | 'items' | 'statistics'>): JobData {
  const images = { train: 0, val: 0, test: 0 };
  for (const { split } of version.items) images[split]++;
  const train = version.items.flatMap(({ split, annotation }) => (split === 'train' ? [annotation] : []));
  const counts = countClasses(train, version.classes.length);
  const [size = { width: 224, height: 224 }] = version.statistics.sizes;
  const { mean, std } = version.statistics;
  const same = (values: readonly number[]): boolean => values.every((value) => Math.abs(value - values[0]) < 1e-4);
  // All of a version are of one kind.
  const annotations = version.items[0]?.annotation.kind;
  return {
    classes: version.classes.length,
    images,
    ...size,
    grey: same(mean) && same(std),
    ...(counts.length > 0 ? { largestClass: Math.max(...counts), smallestClass: Math.min(...counts) } : {}),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

/** Images up to this size (MNIST's 28, CIFAR's 32) go in at this size. */
const SMALL_IMAGE = 32;

/** What published weights that do not say so were trained at. */
const PRETRAINED_SIZE = 224;

/**
 * Height and width of the net's input: as large as the images are, not above the model's recommendation. Small images go in at
 * 32, which stems with several strides need. With `weights` it is the size that they were trained at, whatever the images are:
 * what they look for has that many pixels.
 */
export function defaultImageSize(model: ModelMeta, data: JobData | undefined, weights: string | null = null): number {
  const { recommended, minimumSize, sizeMultiple, pretrained } = model;
  if (weights !== null) {
    const size =
      model.id === IMPORTED
        ? recommended.imageSize
        : (pretrained.find(({ name }) => name === weights)?.imageSize ?? PRETRAINED_SIZE);
    return Math.ceil(Math.max(size, minimumSize) / sizeMultiple) * sizeMultiple;
  }
  if (data === undefined) return recommended.imageSize;
  const longer = Math.max(data.width, data.height);
  const wanted = longer <= SMALL_IMAGE ? SMALL_IMAGE : Math.min(longer, Math.max(recommended.imageSize, SMALL_IMAGE));
  return Math.ceil(Math.max(wanted, minimumSize) / sizeMultiple) * sizeMultiple;
}

/** Few images in large batches are few steps: at least about 10 steps an epoch, where 8 images or more then make a batch. */
export function defaultBatchSize(model: ModelMeta, data: JobData | undefined): number {
  const { batchSize } = model.recommended;
  if (data === undefined) return batchSize;
  const tenth = 2 ** Math.floor(Math.log2(Math.max(8, data.images.train / 10)));
  return Math.min(batchSize, tenth);
}

/** What learns: a whole net from random numbers, a head on given features, or a net that knows something already. */
export type Learns = 'everything' | 'head' | 'pretrained';

/** What the rates below were tuned at. */
const REFERENCE_BATCH = 64;

/**
 * Small nets bear higher rates. AdamW's rate grows with the square root of the batch, SGD's with the batch, as the noise of their
 * steps suggests (Malladi et al. 2022; Goyal et al. 2017).
 */
export function defaultLearningRate(
  model: ModelMeta,
  optimizer: unknown,
  batchSize: number,
  learns: Learns = 'everything',
): number {
  const ratio = batchSize / REFERENCE_BATCH;
  const rates = RATES[learns];
  const small = learns === 'everything' && model.parameters < 1e6 ? 2 : 1;
  const adaptive = rates.adamw * small * Math.min(1, Math.sqrt(ratio));
  const byName = { sgd: rates.sgd * Math.min(1, ratio), rmsprop: adaptive * RMSPROP_SHARE };
  const rate = optimizer === 'sgd' || optimizer === 'rmsprop' ? byName[optimizer] : adaptive;
  return Number(rate.toPrecision(2));
}

/** Without Adam's averaging and bias correction the first steps are up to 1 / sqrt(1 - alpha) = 10 times as long. */
const RMSPROP_SHARE = 0.25;

/** At REFERENCE_BATCH. A new head on fixed features takes larger steps; pretrained stages are held back by their stage rate. */
const RATES = {
  everything: { adamw: 2e-3, sgd: 0.05 },
  pretrained: { adamw: 2e-3, sgd: 0.02 },
  head: { adamw: 5e-3, sgd: 0.1 },
} as const satisfies Record<Learns, unknown>;

/**
 * SGD's is added to the gradient, hence the other magnitude. A head on given features has nothing but its weights to be held back by:
 * on 2,569 flowers AdamW reaches 0.871 with 0.5 against 0.869 with 0.05 at its best epoch, and loses half as much after it.
 */
export function defaultWeightDecay(optimizer: unknown, learns: Learns = 'everything'): number {
  // Through Adam's and RMSprop's gradient a decay is divided by the root of the mean square as well: a tenth of SGD's does as much.
  if (optimizer === 'adam' || optimizer === 'rmsprop') return learns === 'head' ? 5e-4 : 5e-5;
  if (learns === 'head') return optimizer === 'sgd' ? 5e-3 : 0.5;
  return optimizer === 'sgd' ? 5e-4 : 0.05;
}

/**
 * Of each stage against the one behind it, see Job.fine_tune.stage_rate. What the first layers know is of use for any images, so that
 * they are moved the least (Howard and Ruder 2018, discriminative fine-tuning).
 */
export function defaultStageRate(learns: Learns): number {
  return learns === 'pretrained' ? 0.25 : 1;
}

/**
 * Where schedules that fall in steps do so in a run of this length: three thirds; He et al.'s (2016) 30, 60 of 90 epochs.
 */
export function defaultFalls(epochs: number): Readonly<Record<string, unknown>> {
  const third = Math.max(1, Math.round(epochs / 3));
  return {
    'scheduler.step_epochs': third,
    'scheduler.restart_epochs': third,
    'scheduler.milestones': 2 * third < epochs ? [third, 2 * third] : [third],
  };
}

/** An eighth of the input: 4 pixels at 32, the habit for CIFAR. */
export function defaultShift(imageSize: number): number {
  return Math.round(imageSize / 8);
}
