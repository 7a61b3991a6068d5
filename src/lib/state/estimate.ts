// How long a run will take, judged by one that this browser has done. Rough on purpose: it answers "minutes or hours".
import type { RunRecord } from '$lib/storage/records';
import type { RunCurves } from './run-curves';

export interface Reference {
  run: RunRecord;
  curves: RunCurves;
}

export interface Planned {
  model: string;
  epochs: number;
  images: { train: number; val: number };
  /** Of one image's forward pass. */
  flops: number;
}

/** Passing an image forward alone takes about a third of a training step. */
const FORWARD_SHARE = 1 / 3;

/** Runs that can be judged by, the most alike first: same model before another, newer before older. */
export function referencesFor(model: string, references: readonly Reference[]): Reference[] {
  const usable = references.filter(({ curves }) => throughput(curves) !== null);
  return usable.sort(
    (a, b) =>
      Number(b.run.job.model.name === model) - Number(a.run.job.model.name === model) ||
      b.run.createdAt - a.run.createdAt,
  );
}

/** Images per second in the middle of a run's reports; null where it never got that far. */
export function throughput(curves: RunCurves): number | null {
  const rates = curves.steps.values('imagesPerSecond').filter((rate) => rate > 0);
  if (rates.length === 0) return null;
  return rates.sort((a, b) => a - b)[Math.floor(rates.length / 2)];
}

/** Seconds, when work grows with the floating-point operations. `referenceFlops` are those of the reference's net. */
export function estimateSeconds(planned: Planned, reference: Reference, referenceFlops: number): number | null {
  const rate = throughput(reference.curves);
  if (rate === null || referenceFlops <= 0) return null;
  const { train, val } = planned.images;
  const images = (train + val * FORWARD_SHARE) * planned.epochs;
  return (images / rate) * (planned.flops / referenceFlops);
}
