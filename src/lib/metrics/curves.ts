// Threshold curves of one class against the rest: ROC and precision-recall, with their areas. Points as scikit-learn's.

import type { MetricValue } from '$lib/tasks/contract';
import type { Labels } from './classification';
import type { Scores } from './probabilities';

/** One class's view of a problem with several: is it the truth, and its score. */
export interface BinaryScores {
  positive: Uint8Array;
  score: Float64Array;
}

/** Column `index` of row-major scores [count, classes] against all other classes. */
export function oneVersusRest(scores: Scores, truth: Labels, classes: number, index: number): BinaryScores {
  const positive = new Uint8Array(truth.length);
  const score = new Float64Array(truth.length);
  for (let row = 0; row < truth.length; row++) {
    positive[row] = truth[row] === index ? 1 : 0;
    score[row] = scores[row * classes + index];
  }
  return { positive, score };
}

/** Running counts at every distinct score, from the highest down. */
interface Steps {
  thresholds: number[];
  truePositives: number[];
  falsePositives: number[];
  positives: number;
  negatives: number;
}

function steps({ positive, score }: BinaryScores): Steps {
  const order = Uint32Array.from(score.keys()).sort((a, b) => score[b] - score[a]);
  const result: Steps = { thresholds: [], truePositives: [], falsePositives: [], positives: 0, negatives: 0 };
  for (let i = 0; i < order.length; i++) {
    if (positive[order[i]] === 1) result.positives++;
    else result.negatives++;
    // Equal scores pass the threshold together: one point for all of them.
    if (i + 1 < order.length && score[order[i + 1]] === score[order[i]]) continue;
    result.thresholds.push(score[order[i]]);
    result.truePositives.push(result.positives);
    result.falsePositives.push(result.negatives);
  }
  return result;
}

export interface RocCurve {
  falsePositiveRate: Float64Array;
  truePositiveRate: Float64Array;
  /** Descending; the first is Infinity: nothing is called positive. */
  thresholds: Float64Array;
}

/** A point per distinct score after (0, 0). Null without a positive or without a negative. */
export function rocCurve(binary: BinaryScores): RocCurve | null {
  const { thresholds, truePositives, falsePositives, positives, negatives } = steps(binary);
  if (positives === 0 || negatives === 0) return null;
  return {
    falsePositiveRate: Float64Array.from([0, ...falsePositives.map((count) => count / negatives)]),
    truePositiveRate: Float64Array.from([0, ...truePositives.map((count) => count / positives)]),
    thresholds: Float64Array.from([Infinity, ...thresholds]),
  };
}

/** Area under a curve by trapezoids; x ascending. */
export function trapezoidArea(x: ArrayLike<number>, y: ArrayLike<number>): number {
  let area = 0;
  for (let i = 1; i < x.length; i++) area += ((x[i] - x[i - 1]) * (y[i] + y[i - 1])) / 2;
  return area;
}

/** Area under the ROC curve: the chance that a positive scores above a negative. Null where the curve is. */
export function rocAuc(binary: BinaryScores): MetricValue {
  const curve = rocCurve(binary);
  return curve === null ? null : trapezoidArea(curve.falsePositiveRate, curve.truePositiveRate);
}

export interface PrecisionRecallCurve {
  /** Recall descends and ends at 0, where precision is 1 by definition. One longer than thresholds. */
  precision: Float64Array;
  recall: Float64Array;
  /** Ascending. */
  thresholds: Float64Array;
}

/** Null without a positive. */
export function precisionRecallCurve(binary: BinaryScores): PrecisionRecallCurve | null {
  const { thresholds, truePositives, falsePositives, positives } = steps(binary);
  if (positives === 0) return null;
  const precision = truePositives.map((count, index) => count / (count + falsePositives[index]));
  return {
    precision: Float64Array.from([...precision.reverse(), 1]),
    recall: Float64Array.from([...truePositives.map((count) => count / positives).reverse(), 0]),
    thresholds: Float64Array.from(thresholds.reverse()),
  };
}

/** Average precision: the sum of precision times the recall gained, without interpolation. Null without a positive (scikit-learn: 0). */
export function averagePrecision(binary: BinaryScores): MetricValue {
  const curve = precisionRecallCurve(binary);
  if (curve === null) return null;
  const { precision, recall } = curve;
  let area = 0;
  for (let i = 0; i + 1 < recall.length; i++) area += (recall[i] - recall[i + 1]) * precision[i];
  return area;
}
