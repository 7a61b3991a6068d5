// Every expected entry of scikit-learn's reference vectors, and the cases they do not hold: nothing, one class, ties, batches.
import { describe, expect, test } from 'vitest';
import * as labels from '$lib/metrics/classification';
import * as curves from '$lib/metrics/curves';
import * as probability from '$lib/metrics/probabilities';
import { readGolden } from '../../golden';

type Scores = { precision: number; recall: number; f1: number };
const golden = readGolden<{
  num_classes: number;
  y_true: number[];
  probabilities: number[][];
  expected: {
    accuracy: number;
    top3: number;
    top5: number;
    confusion_matrix_rows_true: number[][];
    precision: number[];
    recall: number[];
    f1: number[];
    support: number[];
    averages: { micro: Scores; macro: Scores; weighted: Scores };
    roc_auc_ovr: (number | null)[];
    roc_curve_class0: { fpr: number[]; tpr: number[] };
    average_precision_class0: number;
    log_loss: number;
    balanced_accuracy_present_classes: number;
    cohen_kappa: number;
    matthews: number;
  };
}>('metrics_classification.json');

const classes = golden.num_classes;
const truth = Int32Array.from(golden.y_true);
const rows = Float32Array.from(golden.probabilities.flat());
const predicted = probability.argmaxRows(rows, classes);
const matrix = labels.confusionMatrix(truth, predicted, classes);
const sklearn = { zeroDivision: 0 } as const;
const { expected } = golden;

/** Relative 1e-5: the reference is printed with 8 digits and computed from float32 probabilities. */
function expectClose(actual: number | null, wanted: number) {
  expect(actual).not.toBeNull();
  expect(Math.abs(Number(actual) - wanted)).toBeLessThanOrEqual(1e-5 * Math.max(Math.abs(wanted), 1e-3));
}

describe('against scikit-learn', () => {
  test('the confusion matrix has the truth in its rows', () => {
    expect(labels.confusionRows(matrix)).toEqual(expected.confusion_matrix_rows_true);
  });

  test('accuracy, balanced accuracy, kappa and Matthews agree', () => {
    expectClose(labels.accuracy(matrix), expected.accuracy);
    expectClose(labels.balancedAccuracy(matrix), expected.balanced_accuracy_present_classes);
    expectClose(labels.cohenKappa(matrix), expected.cohen_kappa);
    expectClose(labels.matthewsCorrelation(matrix), expected.matthews);
  });

  test('top 3 and top 5 agree, and top 1 is the accuracy', () => {
    expectClose(probability.topKAccuracy(rows, truth, classes, 3), expected.top3);
    expectClose(probability.topKAccuracy(rows, truth, classes, 5), expected.top5);
    expect(probability.topKAccuracy(rows, truth, classes, 1)).toBe(labels.accuracy(matrix));
    expect(probability.topKAccuracy(rows, truth, classes, 6)).toBe(1);
  });

  test('precision, recall, F1 and support agree per class', () => {
    const scores = labels.perClass(matrix, sklearn);
    expect(scores.map(({ support }) => support)).toEqual(expected.support);
    scores.forEach((score, index) => {
      expectClose(score.precision, expected.precision[index]);
      expectClose(score.recall, expected.recall[index]);
      expectClose(score.f1, expected.f1[index]);
    });
  });

  test.each(['micro', 'macro', 'weighted'] as const)('the %s averages agree', (average) => {
    const scores = labels.averaged(matrix, average, sklearn);
    expectClose(scores.precision, expected.averages[average].precision);
    expectClose(scores.recall, expected.averages[average].recall);
    expectClose(scores.f1, expected.averages[average].f1);
  });

  test('the log loss agrees, from probabilities and from their logarithms', () => {
    expectClose(probability.logLoss(rows, truth, classes), expected.log_loss);
    const losses = probability.crossEntropyRows(rows.map(Math.log), truth, classes);
    expectClose(losses.reduce((total, loss) => total + loss, 0) / losses.length, expected.log_loss);
  });

  test('the area under every ROC curve agrees and is undefined for the class that never occurs', () => {
    expected.roc_auc_ovr.forEach((wanted, index) => {
      const area = curves.rocAuc(curves.oneVersusRest(rows, truth, classes, index));
      if (wanted === null) expect(area).toBeNull();
      else expectClose(area, wanted);
    });
  });

  test('the ROC curve of class 0 agrees point by point', () => {
    const curve = curves.rocCurve(curves.oneVersusRest(rows, truth, classes, 0));
    expect(curve?.falsePositiveRate).toHaveLength(expected.roc_curve_class0.fpr.length);
    expected.roc_curve_class0.fpr.forEach((wanted, i) => expectClose(curve!.falsePositiveRate[i], wanted));
    expected.roc_curve_class0.tpr.forEach((wanted, i) => expectClose(curve!.truePositiveRate[i], wanted));
  });

  test('the average precision of class 0 agrees', () => {
    const area = curves.averagePrecision(curves.oneVersusRest(rows, truth, classes, 0));
    expectClose(area, expected.average_precision_class0);
  });
});

describe('what is undefined', () => {
  test('a class that never occurs has no recall, and averages leave it out', () => {
    const scores = labels.perClass(matrix);
    expect(scores[5]).toEqual({ precision: 0, recall: null, f1: 0, support: 0 });
    const present = scores.slice(0, 5).map(({ recall }) => Number(recall));
    expectClose(labels.averaged(matrix, 'macro').recall, present.reduce((a, b) => a + b) / 5);
  });

  test('without a single image nothing is defined', () => {
    const empty = labels.createConfusion(3);
    expect(labels.accuracy(empty)).toBeNull();
    expect(labels.balancedAccuracy(empty)).toBeNull();
    expect(labels.cohenKappa(empty)).toBeNull();
    expect(labels.matthewsCorrelation(empty)).toBeNull();
    expect(labels.averaged(empty, 'weighted')).toEqual({ precision: null, recall: null, f1: null });
    expect(probability.logLoss([], [], 3)).toBeNull();
    expect(probability.topKAccuracy([], [], 3, 1)).toBeNull();
    expect(curves.rocCurve({ positive: new Uint8Array(), score: new Float64Array() })).toBeNull();
    expect(labels.majorityClass([], 3)).toBeNull();
    expect(labels.majorityBaseline([], [0], 3)).toBeNull();
  });

  test('kappa and Matthews of a constant answer to a constant truth are undefined', () => {
    const constant = labels.confusionMatrix([1, 1], [1, 1], 2);
    expect(labels.accuracy(constant)).toBe(1);
    expect(labels.cohenKappa(constant)).toBeNull();
    expect(labels.matthewsCorrelation(constant)).toBeNull();
    expect(labels.matthewsCorrelation(constant, sklearn)).toBe(0);
  });

  test('NaN scores give an undefined loss and count as misses', () => {
    expect(probability.logLoss([NaN, NaN], [0], 2)).toBeNull();
    expect(probability.topKAccuracy([NaN, NaN], [1], 2, 1)).toBe(0);
  });
});

test('a matrix filled in batches equals one filled at once', () => {
  const batched = labels.createConfusion(classes);
  for (let start = 0; start < truth.length; start += 32)
    labels.addToConfusion(batched, truth.subarray(start, start + 32), predicted.subarray(start, start + 32));
  expect(batched).toEqual(matrix);
});

test('labels outside the classes and lists of unequal length are refused', () => {
  expect(() => labels.confusionMatrix([3], [0], 3)).toThrow(RangeError);
  expect(() => labels.confusionMatrix([0], [-1], 3)).toThrow(RangeError);
  expect(() => labels.confusionMatrix([0, 1], [0], 3)).toThrow(RangeError);
});

test('the majority baseline answers the most frequent class of train, the lowest of several', () => {
  expect(labels.majorityClass([2, 1, 1, 2, 0], 3)).toBe(1);
  const baseline = labels.majorityBaseline([1, 1, 0], [0, 1, 1, 1], 2);
  expect(baseline?.class).toBe(1);
  expect(labels.accuracy(baseline!.matrix)).toBe(0.75);
});

test('softmax neither overflows nor loses its sum', () => {
  expect([...probability.softmaxRows([1000, 1000, -1000, 0, 0, 0], 3)]).toEqual(
    [0.5, 0.5, 0, 1, 1, 1].map((v, i) => (i < 3 ? v : Math.fround(1 / 3))),
  );
  expect(probability.crossEntropyRows([1000, 0], [1], 2)[0]).toBe(1000);
});

test('equal scores make one point of a curve', () => {
  const binary = { positive: Uint8Array.of(1, 0, 1, 0), score: Float64Array.of(0.9, 0.5, 0.5, 0.1) };
  expect(curves.rocCurve(binary)).toEqual({
    falsePositiveRate: Float64Array.of(0, 0, 0.5, 1),
    truePositiveRate: Float64Array.of(0, 0.5, 1, 1),
    thresholds: Float64Array.of(Infinity, 0.9, 0.5, 0.1),
  });
  expect(curves.rocAuc(binary)).toBe(0.875);
  expect(curves.precisionRecallCurve(binary)).toEqual({
    precision: Float64Array.of(0.5, 2 / 3, 1, 1),
    recall: Float64Array.of(1, 1, 0.5, 0),
    thresholds: Float64Array.of(0.1, 0.5, 0.9),
  });
});
