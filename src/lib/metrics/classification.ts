// Metrics of predicted labels, all derived from a confusion matrix that can be filled batch by batch.
// Formulas and conventions are scikit-learn's; what is 0 / 0 is null unless `zeroDivision` says otherwise (scikit-learn says 0).

import type { MetricValue } from '$lib/tasks/contract';

/** Class indices, 0..classes-1. */
export type Labels = ArrayLike<number>;

export interface ConfusionMatrix {
  classes: number;
  /** counts[truth * classes + predicted]; doubles count exactly to 2^53. */
  counts: Float64Array;
}

export interface ZeroDivision {
  /** Value of 0 / 0. Null (default) is left out of averages, as scikit-learn does for NaN; 0 equals its zero_division=0. */
  zeroDivision?: MetricValue;
}

export function createConfusion(classes: number): ConfusionMatrix {
  return { classes, counts: new Float64Array(classes * classes) };
}

/** Adds a batch in place and returns the matrix. Lists of one length; a label outside 0..classes-1 throws RangeError. */
export function addToConfusion(matrix: ConfusionMatrix, truth: Labels, predicted: Labels): ConfusionMatrix {
  if (truth.length !== predicted.length)
    throw new RangeError(`${truth.length} true labels but ${predicted.length} predicted ones`);
  const { classes, counts } = matrix;
  for (let i = 0; i < truth.length; i++) {
    if (!isLabel(truth[i], classes) || !isLabel(predicted[i], classes))
      throw new RangeError(`labels ${truth[i]} and ${predicted[i]} are not both in 0..${classes - 1}`);
    counts[truth[i] * classes + predicted[i]]++;
  }
  return matrix;
}

function isLabel(value: number, classes: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < classes;
}

/** Rows are the truth, columns the prediction. */
export function confusionMatrix(truth: Labels, predicted: Labels, classes: number): ConfusionMatrix {
  return addToConfusion(createConfusion(classes), truth, predicted);
}

/** As nested lists, for JSON. */
export function confusionRows(matrix: ConfusionMatrix): number[][] {
  const { classes, counts } = matrix;
  return Array.from({ length: classes }, (_, row) => [...counts.subarray(row * classes, (row + 1) * classes)]);
}

interface Margins {
  /** Diagonal: right per class. */
  hits: Float64Array;
  /** Row sums: how often a class is true. */
  support: Float64Array;
  /** Column sums: how often a class is predicted. */
  predicted: Float64Array;
  total: number;
  correct: number;
}

function margins({ classes, counts }: ConfusionMatrix): Margins {
  const hits = new Float64Array(classes);
  const support = new Float64Array(classes);
  const predicted = new Float64Array(classes);
  for (let row = 0; row < classes; row++) {
    hits[row] = counts[row * classes + row];
    for (let column = 0; column < classes; column++) {
      support[row] += counts[row * classes + column];
      predicted[column] += counts[row * classes + column];
    }
  }
  return { hits, support, predicted, total: sum(support), correct: sum(hits) };
}

export function accuracy(matrix: ConfusionMatrix): MetricValue {
  const { correct, total } = margins(matrix);
  return ratio(correct, total, null);
}

/** Mean recall of the classes that occur in the truth; the others are left out, as scikit-learn leaves them out. */
export function balancedAccuracy(matrix: ConfusionMatrix): MetricValue {
  const { hits, support } = margins(matrix);
  return mean([...hits].map((hit, index) => ratio(hit, support[index], null)));
}

export interface ClassScores {
  precision: MetricValue;
  recall: MetricValue;
  f1: MetricValue;
  /** How often the class is true. */
  support: number;
}

/** Precision TP / (TP + FP), recall TP / (TP + FN), F1 = 2 TP / (2 TP + FP + FN), per class. */
export function perClass(matrix: ConfusionMatrix, options: ZeroDivision = {}): ClassScores[] {
  const { hits, support, predicted } = margins(matrix);
  return [...hits].map((hit, index) => classScores(hit, predicted[index], support[index], options));
}

export type Average = 'micro' | 'macro' | 'weighted';

/** Per-class scores made one: micro pools the counts, macro is the plain mean, weighted the mean by support. */
export function averaged(
  matrix: ConfusionMatrix,
  average: Average,
  options: ZeroDivision = {},
): Omit<ClassScores, 'support'> {
  if (average === 'micro') {
    const { correct, total } = margins(matrix);
    const { precision, recall, f1 } = classScores(correct, total, total, options);
    return { precision, recall, f1 };
  }
  const rows = perClass(matrix, options);
  const weights = rows.map(({ support }) => (average === 'weighted' ? support : 1));
  return {
    precision: mean(
      rows.map(({ precision }) => precision),
      weights,
    ),
    recall: mean(
      rows.map(({ recall }) => recall),
      weights,
    ),
    f1: mean(
      rows.map(({ f1 }) => f1),
      weights,
    ),
  };
}

/** Cohen's kappa: agreement above what the margins alone would give. Null when they give complete agreement by chance. */
export function cohenKappa(matrix: ConfusionMatrix): MetricValue {
  const { support, predicted, correct, total } = margins(matrix);
  const chance = dot(support, predicted) / total;
  return ratio(correct - chance, total - chance, null);
}

/**
 * Matthews' correlation of truth and prediction, for several classes (Gorodkin 2004). Null when either has one class only;
 * scikit-learn returns 0 there.
 */
export function matthewsCorrelation(matrix: ConfusionMatrix, { zeroDivision = null }: ZeroDivision = {}): MetricValue {
  const { support, predicted, correct, total } = margins(matrix);
  const covariance = correct * total - dot(support, predicted);
  const truth = total * total - dot(support, support);
  const answer = total * total - dot(predicted, predicted);
  return ratio(covariance, Math.sqrt(truth) * Math.sqrt(answer), zeroDivision);
}

/** The most frequent label; the lowest of several. Null without labels. */
export function majorityClass(labels: Labels, classes: number): number | null {
  const counts = new Float64Array(classes);
  for (let i = 0; i < labels.length; i++) counts[labels[i]]++;
  return labels.length === 0 ? null : counts.indexOf(Math.max(...counts));
}

/** What always answering the majority class of `train` gets on `truth`: the least that a model has to beat. */
export function majorityBaseline(
  train: Labels,
  truth: Labels,
  classes: number,
): { class: number; matrix: ConfusionMatrix } | null {
  const majority = majorityClass(train, classes);
  if (majority === null) return null;
  const matrix = confusionMatrix(truth, new Int32Array(truth.length).fill(majority), classes);
  return { class: majority, matrix };
}

/** Scores of a class from how often it was hit, predicted and true. */
export function classScores(
  hits: number,
  predicted: number,
  support: number,
  { zeroDivision = null }: ZeroDivision = {},
): ClassScores {
  return {
    precision: ratio(hits, predicted, zeroDivision),
    recall: ratio(hits, support, zeroDivision),
    f1: ratio(2 * hits, predicted + support, zeroDivision),
    support,
  };
}

function ratio(part: number, whole: number, zeroDivision: MetricValue): MetricValue {
  return whole === 0 || Number.isNaN(whole) ? zeroDivision : part / whole;
}

/** Mean of the defined values; null when none is. */
export function meanOfDefined(values: readonly MetricValue[]): MetricValue {
  return mean(values);
}

/** Weighted mean of the defined values; null when none is, or their weights are all 0. */
function mean(values: readonly MetricValue[], weights?: readonly number[]): MetricValue {
  let total = 0;
  let weight = 0;
  values.forEach((value, index) => {
    if (value === null) return;
    const w = weights?.[index] ?? 1;
    total += w * value;
    weight += w;
  });
  return ratio(total, weight, null);
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((total, value, index) => total + value * b[index], 0);
}
