// Which of a run's evaluations speaks for it.
import type { EvaluationRecord } from '$lib/storage/records';

/** Training never saw the test images; the validation images chose the epoch; on the training images it may know by heart. */
const TELLING = ['test', 'val', 'train'] as const;

/** The most telling first: test before validation before training, the best weights before the last, then the newest. */
export function mostTellingFirst(evaluations: readonly EvaluationRecord[]): EvaluationRecord[] {
  return evaluations.toSorted(
    (a, b) =>
      TELLING.indexOf(a.split) - TELLING.indexOf(b.split) ||
      a.checkpoint.localeCompare(b.checkpoint) ||
      b.createdAt - a.createdAt,
  );
}
