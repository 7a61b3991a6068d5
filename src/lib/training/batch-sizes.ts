// Which batch size suits the device: a few training steps at rising sizes, until one does not fit or larger ones no longer pay.

import { formatBytes } from '$lib/core/format';
import type { Batch, TrainStep } from '$lib/engines/contract';
import { interruptionOf } from './interruption';
import type { SourceBatch } from './source';
import { turn } from './turn';

const SMALLEST = 4;
const LARGEST = 512;
/** The first step compiles shaders and takes memory. */
const WARM_UP_STEPS = 1;
const TIMED_STEPS = 3;
/** Twice the size is worth it where it brings this much more. */
const PAYS = 1.05;
/** The smallest size that reaches this share of the best: small batches learn more from an image. */
const NEARLY = 0.9;

export interface Trial {
  batchSize: number;
  /** Null where it did not fit, with the reason. */
  imagesPerSecond: number | null;
  memoryBytes: number | null;
  reason: string | null;
}

export interface BatchSizeTools {
  /** Whole batches; the caller's compile keeps the job's rule. */
  compile(): TrainStep;
  /** Bytes that the device has in use. */
  memory(): number;
  /** What a step of so many images needs, and what the device grants; null grants whatever it is. */
  fits(batchSize: number): Promise<{ needed: number; granted: number } | null>;
  onTrial?(trial: Trial): void;
  /** Images of the data; a batch that is larger has some twice. */
  signal?: AbortSignal;
  now?: () => number;
}

/** `images` are batches as training has them, together at least one image. */
export async function searchBatchSizes(
  images: readonly SourceBatch[],
  { compile, memory, fits, onTrial = () => undefined, signal, now = () => performance.now() }: BatchSizeTools,
  largest = LARGEST,
): Promise<{ trials: Trial[]; suggestion: number; reason: string }> {
  const trials: Trial[] = [];
  let unprofitable = 0;
  for (let batchSize = SMALLEST; batchSize <= largest && unprofitable < 2; batchSize *= 2) {
    signal?.throwIfAborted();
    const trial = await attempt(tiled(images, batchSize), { compile, memory, fits, now });
    const best = fastest(trials);
    trials.push(trial);
    onTrial(trial);
    if (trial.imagesPerSecond === null) break;
    unprofitable = best !== null && trial.imagesPerSecond < PAYS * best ? unprofitable + 1 : 0;
  }
  return { trials, ...suggest(trials) };
}

async function attempt(
  batch: Batch,
  { compile, memory, fits, now }: Pick<BatchSizeTools, 'compile' | 'memory' | 'fits'> & { now: () => number },
): Promise<Trial> {
  const [batchSize] = batch.shape;
  const room = await fits(batchSize);
  if (room !== null && room.granted < room.needed) {
    const reason = `It needs about ${formatBytes(room.needed)}, and the device grants ${formatBytes(room.granted)}.`;
    return { batchSize, imagesPerSecond: null, memoryBytes: null, reason };
  }
  let step: TrainStep | null = null;
  try {
    step = compile();
    const times: number[] = [];
    for (let index = 0; index < WARM_UP_STEPS + TIMED_STEPS; index++) {
      const started = now();
      // Waiting for each loss is what is measured.
      await step.run(batch, 1e-4).loss.read();
      if (index >= WARM_UP_STEPS) times.push(now() - started);
      await turn();
    }
    const imagesPerSecond = (1000 * batchSize) / Math.min(...times);
    return { batchSize, imagesPerSecond, memoryBytes: memory(), reason: null };
  } catch (error) {
    if (interruptionOf(error) !== 'out-of-memory' || !(error instanceof Error)) throw error;
    return { batchSize, imagesPerSecond: null, memoryBytes: null, reason: error.message };
  } finally {
    step?.dispose();
  }
}

/** So many images in one batch, from the beginning and over again. */
export function tiled(batches: readonly SourceBatch[], count: number): Batch {
  const [first] = batches;
  const [, ...image] = first.shape;
  const [, ...target] = first.targets.shape;
  const total = batches.reduce((sum, { shape }) => sum + shape[0], 0);
  const rowOf = (index: number): { batch: SourceBatch; row: number } => {
    let row = index % total;
    for (const batch of batches) {
      if (row < batch.shape[0]) return { batch, row };
      row -= batch.shape[0];
    }
    return { batch: first, row: 0 };
  };
  const lengthOf = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);
  const [pixels, columns] = [lengthOf(image), lengthOf(target)];
  const images = first.images instanceof Uint8Array ? new Uint8Array(count * pixels) : new Float32Array(count * pixels);
  const values =
    first.targets.values instanceof Int32Array ? new Int32Array(count * columns) : new Float32Array(count * columns);
  for (let index = 0; index < count; index++) {
    const { batch, row } = rowOf(index);
    images.set(batch.images.subarray(row * pixels, (row + 1) * pixels), index * pixels);
    values.set(batch.targets.values.subarray(row * columns, (row + 1) * columns), index * columns);
  }
  const [height, width, channels] = image;
  return { images, shape: [count, height, width, channels], targets: { values, shape: [count, ...target] } };
}

function fastest(trials: readonly Trial[]): number | null {
  const rates = trials.flatMap(({ imagesPerSecond }) => (imagesPerSecond === null ? [] : [imagesPerSecond]));
  return rates.length === 0 ? null : Math.max(...rates);
}

/** The smallest size that nearly reaches the best rate, and why none larger. */
export function suggest(trials: readonly Trial[]): { suggestion: number; reason: string } {
  const best = fastest(trials);
  const chosen = trials.find(({ imagesPerSecond }) => (imagesPerSecond ?? 0) >= NEARLY * (best ?? Infinity));
  if (chosen === undefined) {
    return { suggestion: 1, reason: `Not even ${SMALLEST} images fit. Use a smaller model or smaller images.` };
  }
  const { batchSize } = chosen;
  const next = trials[trials.indexOf(chosen) + 1];
  if (next === undefined) return { suggestion: batchSize, reason: 'The largest size that was tried is the fastest.' };
  if (next.imagesPerSecond === null) return { suggestion: batchSize, reason: `${next.batchSize} images do not fit.` };
  const gain = Math.round(100 * ((best ?? 0) / (chosen.imagesPerSecond ?? 1) - 1));
  const more = gain < 1 ? 'are no faster' : `are at most ${gain} % faster`;
  return { suggestion: batchSize, reason: `Larger batches fit but ${more}.` };
}
