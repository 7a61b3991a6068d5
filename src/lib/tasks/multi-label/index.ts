// Multi-label classification: any number of classes for each image, each a yes or no of its own. Targets, metrics, decoding, tables;
// its differentiable losses are in loss.ts. Data with one class an image is a case of it.

import { classesOf, countClasses, strataOf } from '$lib/core/annotations';
import { csvText } from '$lib/core/csv';
import { TrainyardError } from '$lib/core/errors';
import { meanOfDefined } from '$lib/metrics/classification';
import {
  averagePrecisions,
  binaryCrossEntropyRows,
  countLabels,
  hammingLoss,
  macroF1,
  microF1,
  scoresOfLabels,
  subsetAccuracy,
} from '$lib/metrics/multi-label';
import { argmaxRows, sigmoidValues } from '$lib/metrics/probabilities';
import type { Annotation, Item } from '$lib/storage/records';
import type { EvaluationInput, EvaluationResult, ImageResults, MetricValue, PredictionJson, Task } from '../contract';
import { decodeProbabilities, meanOf, probabilityCells, probabilityColumns, shortNumber } from '../decoding';
import { requireTrained, requireTrainImages } from '../trainable';
import { multiLabelMeta } from './meta';

/** An answer says a class from beyond this probability. */
const THRESHOLD = 0.5;
/** Between the classes of an image in predictions.csv. */
const SEPARATOR = '|';

/** A 1 for each class of each annotation, [n, classes]. */
function rowsOf(annotations: readonly Annotation[], classes: number): Uint8Array {
  const rows = new Uint8Array(annotations.length * classes);
  annotations.forEach((annotation, row) => {
    if (annotation.kind === 'none') {
      throw new TrainyardError(
        'not-a-class',
        'An image is not annotated, where multi-label classification needs its classes.',
        'Import the images again with their classes.',
      );
    }
    for (const index of classesOf(annotation)) rows[row * classes + index] = 1;
  });
  return rows;
}

function targets(annotations: readonly Annotation[], classes: readonly string[]) {
  const values = Float32Array.from(rowsOf(annotations, classes.length));
  return { values, shape: [annotations.length, classes.length] };
}

function checkTrainable(items: readonly Item[], classes: readonly string[]): void {
  const train = requireTrainImages(items);
  if (classes.length === 0) {
    throw new TrainyardError('one-class', 'The data set has no class.', 'Import images with at least one class.');
  }
  const annotations = train.map(({ annotation }) => annotation);
  requireTrained(countClasses(annotations, classes.length), classes);
}

function answers(probabilities: Float32Array): Uint8Array {
  return Uint8Array.from(probabilities, (p) => (p > THRESHOLD ? 1 : 0));
}

/** The values that need no logits. */
function judged(truth: Uint8Array, probabilities: Float32Array, classes: number): Record<string, MetricValue> {
  const answer = answers(probabilities);
  const counts = countLabels(truth, answer, classes);
  return {
    mean_average_precision: meanOfDefined(averagePrecisions(truth, probabilities, classes)),
    macro_f1: macroF1(counts),
    micro_f1: microF1(counts),
    subset_accuracy: subsetAccuracy(truth, answer, classes),
    hamming_loss: hammingLoss(truth, answer),
  };
}

/** What answering each class's share of train for every image gets. */
function baselineOf(train: readonly Annotation[], truth: Uint8Array, classes: number): Record<string, MetricValue> {
  if (train.length === 0 || truth.length === 0) return {};
  const shares = countClasses(train, classes).map((count) => count / train.length);
  return judged(
    truth,
    Float32Array.from(truth, (_, at) => shares[at % classes]),
    classes,
  );
}

function evaluate(input: EvaluationInput): { result: EvaluationResult; images: ImageResults } {
  const { outputs, classes, paths, annotations } = input;
  const width = classes.length;
  const truth = rowsOf(annotations, width);
  const probabilities = sigmoidValues(outputs);
  const predictedClass = argmaxRows(outputs, width);
  const loss = binaryCrossEntropyRows(outputs, truth, width);
  const precisions = averagePrecisions(truth, probabilities, width);
  const scores = scoresOfLabels(countLabels(truth, answers(probabilities), width));
  const result: EvaluationResult = {
    count: annotations.length,
    metrics: { ...judged(truth, probabilities, width), loss: meanOf(loss) },
    classes,
    per_class: scores.map((row, index) => ({ class: classes[index], ...row, average_precision: precisions[index] })),
    baseline: { name: 'class frequencies', class: '', metrics: baselineOf(input.train, truth, width) },
  };
  const images: ImageResults = {
    paths,
    trueClass: Int32Array.from(annotations, (annotation) => classesOf(annotation)[0] ?? -1),
    predictedClass,
    confidence: Float32Array.from(predictedClass, (best, row) => probabilities[row * width + best]),
    loss,
    probabilities,
    trueClasses: truth,
  };
  return { result, images };
}

function decode(output: Float32Array, classes: readonly string[], image: string): PredictionJson {
  const probabilities = sigmoidValues(output);
  // Not from the answer's own list: an object puts names like "7" first.
  const said = [...classes.keys()].filter((index) => probabilities[index] > THRESHOLD);
  said.sort((a, b) => probabilities[b] - probabilities[a]);
  return {
    ...decodeProbabilities(probabilities, classes, image),
    predicted_classes: said.map((index) => classes[index]),
  };
}

function predictionsCsv(images: ImageResults, classes: readonly string[]): string {
  const width = classes.length;
  const { trueClasses = new Uint8Array(images.probabilities.length) } = images;
  const said = answers(images.probabilities);
  const names = (rows: Uint8Array, row: number) =>
    classes.filter((_, index) => rows[row * width + index] === 1).join(SEPARATOR);
  function* rows() {
    yield ['image', 'true_classes', 'predicted_classes', 'loss', ...probabilityColumns(classes)];
    for (const [row, path] of images.paths.entries()) {
      yield [
        path,
        names(trueClasses, row),
        names(said, row),
        shortNumber(images.loss[row]),
        ...probabilityCells(images, width, row),
      ];
    }
  }
  return csvText(rows());
}

export const multiLabel: Task = {
  ...multiLabelMeta,
  outputs: (classes) => classes.length,
  targets,
  strata: strataOf,
  checkTrainable,
  evaluate,
  decode,
  predictionsCsv,
  exportActivation: { name: 'probabilities', kind: 'sigmoid' },
};
