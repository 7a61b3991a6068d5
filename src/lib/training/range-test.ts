// The learning-rate range test (Smith 2017): a few steps at ever higher rates on fresh weights; where the loss falls most steeply is
// a good rate to begin with. Stores nothing.

import { turn } from './turn';
import type { SourceBatch } from './source';
import type { LazyScalar, TrainStep } from '$lib/engines/contract';

const LOWEST = 1e-6;
const HIGHEST = 10;
const STEPS = 100;
/** Of the mean of the losses, as fastai smooths them. */
const MEMORY = 0.98;
/** The test ends where the smoothed loss is this many times the lowest. */
const EXPLODED = 4;
/** Steps whose losses are read behind those that are enqueued; see the training loop. */
const IN_FLIGHT = 4;

export interface RangePoint {
  rate: number;
  loss: number;
  smooth: number;
}

export interface RangeResult {
  points: RangePoint[];
  /** Null where the loss never falls. */
  suggestion: number | null;
  /** Rate at which the loss exploded; null where it did not. */
  diverged: number | null;
}

/** The rate of step `index` of `steps`: equal distances on a logarithmic scale, both ends included. */
export function rateAt(index: number, steps: number): number {
  return LOWEST * (HIGHEST / LOWEST) ** (index / Math.max(1, steps - 1));
}

/** Runs the test with a step of its own, of which it does not dispose. Reads no more batches than it needs. */
export async function rangeTest(
  step: Pick<TrainStep, 'run'>,
  batches: AsyncIterable<SourceBatch>,
  { steps = STEPS, onPoint = () => undefined }: { steps?: number; onPoint?: (point: RangePoint, done: number) => void },
): Promise<RangeResult> {
  const curve = new Curve();
  const pending: { rate: number; loss: LazyScalar }[] = [];
  const takeOne = async (): Promise<void> => {
    const next = pending.shift();
    if (next === undefined) return;
    // A synchronisation, a few steps behind.
    const point = curve.add(next.rate, await next.loss.read());
    if (point !== null) onPoint(point, curve.points.length);
  };
  try {
    let index = 0;
    for await (const batch of batches) {
      const rate = rateAt(index, steps);
      pending.push({ rate, loss: step.run(batch, rate).loss });
      await turn();
      if (pending.length > IN_FLIGHT) await takeOne();
      if (curve.diverged !== null || ++index === steps) break;
    }
    while (pending.length > 0 && curve.diverged === null) await takeOne();
  } finally {
    for (const { loss } of pending) loss.dispose();
  }
  return { points: curve.points, suggestion: steepest(curve.points), diverged: curve.diverged };
}

/** Smooths and watches. */
class Curve {
  readonly points: RangePoint[] = [];
  diverged: number | null = null;
  #mean = 0;
  #lowest = Infinity;

  /** Null where the loss has exploded before or is no number. */
  add(rate: number, loss: number): RangePoint | null {
    if (this.diverged !== null) return null;
    if (!Number.isFinite(loss)) {
      this.diverged = rate;
      return null;
    }
    this.#mean = MEMORY * this.#mean + (1 - MEMORY) * loss;
    // The mean began at 0, which this takes out again.
    const smooth = this.#mean / (1 - MEMORY ** (this.points.length + 1));
    const point = { rate, loss, smooth };
    this.points.push(point);
    this.#lowest = Math.min(this.#lowest, smooth);
    if (smooth > EXPLODED * this.#lowest) this.diverged = rate;
    return point;
  }
}

/**
 * The rate at which the smoothed loss falls most steeply, per decade, between points a twentieth of the curve to either side: from
 * one step to the next it falls by chance. Before the loss has its minimum, as what falls behind an explosion is chance, too. The
 * first tenth is left out, where a mean of few losses jumps.
 */
export function steepest(points: readonly Pick<RangePoint, 'rate' | 'smooth'>[]): number | null {
  const reach = Math.max(1, Math.round(points.length / 20));
  const begin = Math.max(reach, Math.floor(points.length / 10));
  if (begin >= points.length) return null;
  let lowest = begin;
  for (let index = begin; index < points.length; index++) {
    if (points[index].smooth < points[lowest].smooth) lowest = index;
  }
  let found: { rate: number; slope: number } | null = null;
  for (let index = begin; index < Math.min(lowest + 1, points.length - reach); index++) {
    const [before, after] = [points[index - reach], points[index + reach]];
    const slope = (after.smooth - before.smooth) / Math.log10(after.rate / before.rate);
    if (slope < (found?.slope ?? 0)) found = { rate: points[index].rate, slope };
  }
  return found?.rate ?? null;
}
