// Metrics of answers that may name several classes at once. Truth and answers are rows of 0 and 1, [count, classes]. Formulas are
// scikit-learn's; what is 0 / 0 is null and left out of means.

import type { MetricValue } from '$lib/tasks/contract';
import { classScores, meanOfDefined, type ClassScores } from './classification';
import { averagePrecision } from './curves';
import type { Scores } from './probabilities';

/** Rows of 0 and 1. */
export type LabelRows = ArrayLike<number>;

export interface LabelCounts {
  /** Images that have a class and whose answer says so. */
  hits: Float64Array;
  /** Answers that say the class. */
  predicted: Float64Array;
  /** Images that have the class. */
  support: Float64Array;
}

export function countLabels(truth: LabelRows, predicted: LabelRows, classes: number): LabelCounts {
  const counts = {
    hits: new Float64Array(classes),
    predicted: new Float64Array(classes),
    support: new Float64Array(classes),
  };
  for (let at = 0; at < truth.length; at++) {
    const index = at % classes;
    counts.support[index] += truth[at];
    counts.predicted[index] += predicted[at];
    counts.hits[index] += truth[at] * predicted[at];
  }
  return counts;
}

/** Precision, recall and F1 of each class. */
export function scoresOfLabels({ hits, predicted, support }: LabelCounts): ClassScores[] {
  return Array.from(hits, (hit, index) => classScores(hit, predicted[index], support[index]));
}

/** Mean F1 of the classes that occur in truth or answers. */
export function macroF1(counts: LabelCounts): MetricValue {
  return meanOfDefined(scoresOfLabels(counts).map(({ f1 }) => f1));
}

/** F1 of all yes and no answers together. */
export function microF1({ hits, predicted, support }: LabelCounts): MetricValue {
  return classScores(total(hits), total(predicted), total(support)).f1;
}

/** Share of the images whose classes are all right: none missing, none too many. */
export function subsetAccuracy(truth: LabelRows, predicted: LabelRows, classes: number): MetricValue {
  const count = truth.length / classes;
  if (count === 0) return null;
  let right = 0;
  for (let row = 0; row < count; row++) if (sameRow(truth, predicted, classes, row)) right++;
  return right / count;
}

/** Whether a row of truth and of answers are the same. */
export function sameRow(truth: LabelRows, predicted: LabelRows, classes: number, row: number): boolean {
  for (let at = row * classes; at < (row + 1) * classes; at++) if (truth[at] !== predicted[at]) return false;
  return true;
}

/** Share of the yes and no answers that are wrong. */
export function hammingLoss(truth: LabelRows, predicted: LabelRows): MetricValue {
  if (truth.length === 0) return null;
  let wrong = 0;
  for (let at = 0; at < truth.length; at++) if (truth[at] !== predicted[at]) wrong++;
  return wrong / truth.length;
}

/** Average precision of each class by its scores, [count, classes]; null for a class that no image has. */
export function averagePrecisions(truth: LabelRows, scores: Scores, classes: number): MetricValue[] {
  const count = truth.length / classes;
  return Array.from({ length: classes }, (_, index) => {
    const positive = Uint8Array.from({ length: count }, (_, row) => truth[row * classes + index]);
    const score = Float64Array.from({ length: count }, (_, row) => scores[row * classes + index]);
    return averagePrecision({ positive, score });
  });
}

/** Mean over the classes of an image of -log of the probability given to its presence or absence; one value for each row, from logits. */
export function binaryCrossEntropyRows(logits: Scores, truth: LabelRows, classes: number): Float32Array<ArrayBuffer> {
  const result = new Float32Array(truth.length / classes);
  for (let row = 0; row < result.length; row++) {
    let sum = 0;
    for (let at = row * classes; at < (row + 1) * classes; at++) {
      const x = logits[at];
      sum += Math.max(x, 0) - x * truth[at] + Math.log1p(Math.exp(-Math.abs(x)));
    }
    result[row] = sum / classes;
  }
  return result;
}

function total(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}
