// Classification: one class for each image. Targets, metrics, decoding, tables; its differentiable loss is in loss.ts.

import { csvText } from '$lib/core/csv';
import {
  accuracy,
  averaged,
  balancedAccuracy,
  confusionMatrix,
  confusionRows,
  majorityBaseline,
  perClass,
  type ConfusionMatrix,
} from '$lib/metrics/classification';
import { argmaxRows, crossEntropyRows, softmaxRows, topKAccuracy } from '$lib/metrics/probabilities';
import type { Annotation } from '$lib/storage/records';
import type { EvaluationInput, EvaluationResult, ImageResults, MetricValue, PredictionJson, Task } from '../contract';
import { checkTrainable, labelOf } from './checks';
import { decodeProbabilities, meanOf, probabilityCells, probabilityColumns, shortNumber } from '../decoding';
import { classificationMeta } from './meta';

/** With five classes or fewer, the top five hold everything. */
const TOP = 5;

/** One-hot rows, [n, classes]. */
function targets(annotations: readonly Annotation[], classes: readonly string[]) {
  const values = new Float32Array(annotations.length * classes.length);
  annotations.forEach((annotation, row) => {
    values[row * classes.length + labelOf(annotation)] = 1;
  });
  return { values, shape: [annotations.length, classes.length] };
}

/** The values that the counts alone give. */
function countedMetrics(matrix: ConfusionMatrix): Record<string, MetricValue> {
  return {
    accuracy: accuracy(matrix),
    balanced_accuracy: balancedAccuracy(matrix),
    macro_f1: averaged(matrix, 'macro').f1,
  };
}

function evaluate(input: EvaluationInput): { result: EvaluationResult; images: ImageResults } {
  const { outputs, classes, paths } = input;
  const width = classes.length;
  const trueClass = Int32Array.from(input.annotations, labelOf);
  const predictedClass = argmaxRows(outputs, width);
  const probabilities = softmaxRows(outputs, width);
  const loss = crossEntropyRows(outputs, trueClass, width);
  const matrix = confusionMatrix(trueClass, predictedClass, width);
  const baseline = majorityBaseline(input.train.map(labelOf), trueClass, width);
  const result: EvaluationResult = {
    count: trueClass.length,
    metrics: {
      ...countedMetrics(matrix),
      ...(width > TOP ? { top5_accuracy: topKAccuracy(outputs, trueClass, width, TOP) } : {}),
      loss: meanOf(loss),
    },
    classes,
    per_class: perClass(matrix).map((scores, index) => ({ class: classes[index], ...scores })),
    confusion_matrix: confusionRows(matrix),
    baseline: {
      name: 'majority class',
      class: baseline === null ? '' : classes[baseline.class],
      metrics: baseline === null ? {} : countedMetrics(baseline.matrix),
    },
  };
  const confidence = Float32Array.from(predictedClass, (best, row) => probabilities[row * width + best]);
  return { result, images: { paths, trueClass, predictedClass, confidence, loss, probabilities } };
}

function decode(output: Float32Array, classes: readonly string[], image: string): PredictionJson {
  return decodeProbabilities(softmaxRows(output, classes.length), classes, image);
}

function predictionsCsv(images: ImageResults, classes: readonly string[]): string {
  function* rows() {
    yield ['image', 'true_class', 'predicted_class', 'confidence', 'loss', ...probabilityColumns(classes)];
    for (const [row, path] of images.paths.entries()) {
      yield [
        path,
        classes[images.trueClass[row]],
        classes[images.predictedClass[row]],
        shortNumber(images.confidence[row]),
        shortNumber(images.loss[row]),
        ...probabilityCells(images, classes.length, row),
      ];
    }
  }
  return csvText(rows());
}

export const classification: Task = {
  ...classificationMeta,
  outputs: (classes) => classes.length,
  targets,
  strata: (annotations) => Int32Array.from(annotations, labelOf),
  checkTrainable,
  evaluate,
  decode,
  predictionsCsv,
  exportActivation: { name: 'probabilities', kind: 'softmax' },
};
