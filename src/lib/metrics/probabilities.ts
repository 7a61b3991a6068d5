// Metrics of scores over classes: softmax, losses, top-k. Scores are row-major [count, classes].

import type { MetricValue } from '$lib/tasks/contract';
import type { Labels } from './classification';

/** Rows of scores, logits or probabilities. */
export type Scores = ArrayLike<number>;

/** Softmax of every row, [count, classes]. The row's maximum is subtracted first, so that no exponential overflows. */
export function softmaxRows(logits: Scores, classes: number): Float32Array<ArrayBuffer> {
  const result = new Float32Array(logits.length);
  for (let start = 0; start < logits.length; start += classes) {
    const peak = rowMaximum(logits, start, classes);
    let total = 0;
    for (let i = start; i < start + classes; i++) total += Math.exp(logits[i] - peak);
    for (let i = start; i < start + classes; i++) result[i] = Math.exp(logits[i] - peak) / total;
  }
  return result;
}

/** Sigmoid of every value, without overflow. */
export function sigmoidValues(logits: Scores): Float32Array<ArrayBuffer> {
  return Float32Array.from(logits, (x) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x))));
}

/** Index of the largest score of every row; the first of several. */
export function argmaxRows(scores: Scores, classes: number): Int32Array<ArrayBuffer> {
  const result = new Int32Array(scores.length / classes);
  for (let row = 0; row < result.length; row++) {
    let best = 0;
    for (let k = 1; k < classes; k++) if (scores[row * classes + k] > scores[row * classes + best]) best = k;
    result[row] = best;
  }
  return result;
}

/** -log softmax(logits)[truth] per row, computed from the logits: a confident wrong answer keeps its finite loss. */
export function crossEntropyRows(logits: Scores, truth: Labels, classes: number): Float32Array<ArrayBuffer> {
  const result = new Float32Array(truth.length);
  for (let row = 0; row < truth.length; row++) {
    const start = row * classes;
    const peak = rowMaximum(logits, start, classes);
    let total = 0;
    for (let i = start; i < start + classes; i++) total += Math.exp(logits[i] - peak);
    result[row] = Math.log(total) + peak - logits[start + truth[row]];
  }
  return result;
}

/**
 * scikit-learn's log_loss: mean of -log p[truth] with the rows clipped to [eps, 1 - eps] and made to sum to 1. Null without rows
 * and where a probability is NaN.
 */
export function logLoss(probabilities: Scores, truth: Labels, classes: number, eps = 2 ** -52): MetricValue {
  let loss = 0;
  for (let row = 0; row < truth.length; row++) {
    let total = 0;
    for (let k = 0; k < classes; k++) total += clip(probabilities[row * classes + k], eps);
    loss -= Math.log(clip(probabilities[row * classes + truth[row]], eps) / total);
  }
  return truth.length === 0 || Number.isNaN(loss) ? null : loss / truth.length;
}

/**
 * Share of rows whose true class is among the k largest scores. Of equal scores the lower index ranks first, as in
 * {@link argmaxRows}, so that k = 1 is the accuracy (scikit-learn ranks the higher index first).
 */
export function topKAccuracy(scores: Scores, truth: Labels, classes: number, k: number): MetricValue {
  let hits = 0;
  for (let row = 0; row < truth.length; row++) {
    const start = row * classes;
    const own = scores[start + truth[row]];
    let before = 0;
    for (let other = 0; other < classes; other++) {
      const score = scores[start + other];
      // Written so that a NaN among the scores counts as a miss.
      if (!(score < own || (score === own && other >= truth[row]))) before++;
    }
    if (before < k) hits++;
  }
  return truth.length === 0 ? null : hits / truth.length;
}

function rowMaximum(values: Scores, start: number, classes: number): number {
  let peak = -Infinity;
  for (let i = start; i < start + classes; i++) if (values[i] > peak) peak = values[i];
  return peak;
}

function clip(value: number, eps: number): number {
  return Math.min(Math.max(value, eps), 1 - eps);
}
