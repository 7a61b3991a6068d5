// Which rows of an evaluation's images are shown, and in what order. Indices into columns: ten thousand rows cost a millisecond.
import type { ImageResults } from '$lib/tasks/contract';

export type Verdict = 'all' | 'wrong' | 'right';
export const VERDICTS = ['all', 'wrong', 'right'] as const satisfies readonly Verdict[];

export type RowOrder = 'loss' | 'confident' | 'unsure' | 'path';
export const ROW_ORDERS = ['loss', 'confident', 'unsure', 'path'] as const satisfies readonly RowOrder[];

export interface RowFilter {
  /** Class indices; null is any. */
  truth: number | null;
  predicted: number | null;
  verdict: Verdict;
}

/** Row numbers that pass, sorted. Of equal ones the earlier row comes first. */
export function rowsOf(images: ImageResults, { truth, predicted, verdict }: RowFilter, order: RowOrder): number[] {
  const { confidence, loss, paths } = images;
  const rows: number[] = [];
  for (let row = 0; row < paths.length; row++) {
    if (truth !== null && !truthOf(images, row).includes(truth)) continue;
    if (predicted !== null && !answerOf(images, row).includes(predicted)) continue;
    if (verdict !== 'all' && isRight(images, row) !== (verdict === 'right')) continue;
    rows.push(row);
  }
  switch (order) {
    case 'loss':
      return rows.sort((a, b) => loss[b] - loss[a]);
    case 'confident':
      return rows.sort((a, b) => confidence[b] - confidence[a]);
    case 'unsure':
      return rows.sort((a, b) => confidence[a] - confidence[b]);
    case 'path':
      return rows.sort((a, b) => (paths[a] < paths[b] ? -1 : 1));
    default:
      return order satisfies never;
  }
}

/** The classes that an image has, rising: one, or any number where several may be true at once. */
export function truthOf({ trueClass, trueClasses, paths }: ImageResults, row: number): number[] {
  if (trueClasses === undefined) return [trueClass[row]];
  const classes = trueClasses.length / paths.length;
  return indicesWhere(classes, (index) => trueClasses[row * classes + index] === 1);
}

/** The classes that the model says, rising. */
export function answerOf({ predictedClass, trueClasses, probabilities, paths }: ImageResults, row: number): number[] {
  if (trueClasses === undefined) return [predictedClass[row]];
  const classes = probabilities.length / paths.length;
  return indicesWhere(classes, (index) => probabilities[row * classes + index] > 0.5);
}

/** Whether the model says what is: of several classes all, and no other. */
export function isRight(images: ImageResults, row: number): boolean {
  return truthOf(images, row).join() === answerOf(images, row).join();
}

function indicesWhere(count: number, holds: (index: number) => boolean): number[] {
  return Array.from({ length: count }, (_, index) => index).filter(holds);
}

/** Probabilities of one row, highest first. */
export function probabilitiesOf(images: ImageResults, row: number): { class: number; probability: number }[] {
  const classes = images.paths.length === 0 ? 0 : images.probabilities.length / images.paths.length;
  const values = images.probabilities.subarray(row * classes, (row + 1) * classes);
  return Array.from(values, (probability, index) => ({ class: index, probability })).sort(
    (a, b) => b.probability - a.probability,
  );
}

export interface ConfusedPair {
  truth: number;
  predicted: number;
  count: number;
  /** Of the images of that true class. */
  share: number;
}

/** The most frequent mistakes, most frequent first. Rows of the matrix are the truth. */
export function confusedPairs(matrix: readonly (readonly number[])[], most: number): ConfusedPair[] {
  const pairs: ConfusedPair[] = [];
  matrix.forEach((row, truth) => {
    const support = row.reduce((sum, count) => sum + count, 0);
    row.forEach((count, predicted) => {
      if (predicted !== truth && count > 0) pairs.push({ truth, predicted, count, share: count / support });
    });
  });
  return pairs.sort((a, b) => b.count - a.count || b.share - a.share).slice(0, most);
}
