// Metrics of several classes at once: small cases by hand, average precision by scikit-learn's numbers.
import { describe, expect, test } from 'vitest';
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
import { readGolden } from '../../golden';

// Four images, three classes, the last of which never occurs.
const truth = [1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0];
const answer = [1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0];

describe('answers', () => {
  const counts = countLabels(truth, answer, 3);

  test('each class has precision, recall and F1 of its own; one that never occurs has none', () => {
    const scores = scoresOfLabels(counts);
    expect(scores[0]).toEqual({ precision: 1, recall: 0.5, f1: 2 / 3, support: 2 });
    expect(scores[1]).toEqual({ precision: 2 / 3, recall: 1, f1: 0.8, support: 2 });
    expect(scores[2]).toEqual({ precision: null, recall: null, f1: null, support: 0 });
  });

  test('macro F1 is the mean of the classes, micro F1 that of all answers', () => {
    expect(macroF1(counts)).toBeCloseTo((2 / 3 + 0.8) / 2, 12);
    expect(microF1(counts)).toBe(0.75);
  });

  test('subset accuracy wants every class right, Hamming loss counts each', () => {
    expect(subsetAccuracy(truth, answer, 3)).toBe(0.5);
    expect(hammingLoss(truth, answer)).toBe(2 / 12);
  });

  test('without images nothing is defined', () => {
    const none = countLabels([], [], 3);
    expect([macroF1(none), microF1(none), subsetAccuracy([], [], 3), hammingLoss([], [])]).toEqual([
      null,
      null,
      null,
      null,
    ]);
  });
});

describe('probabilities', () => {
  test('average precision ranks the images of each class', () => {
    const scores = [0.7, 0.1, 0.3, 0.4, 0.9, 0.2, 0.45, 0.6, 0.1, 0.2, 0.8, 0];
    const [first, second, third] = averagePrecisions(truth, scores, 3);
    // Ranked .7 yes, .45 no, .4 yes: half the recall at precision 1, half at 2 / 3.
    expect(first).toBeCloseTo(0.5 + 0.5 * (2 / 3), 12);
    expect([second, third]).toEqual([1, null]);
  });

  test("average precision is scikit-learn's", () => {
    type Golden = {
      num_classes: number;
      y_true: number[];
      probabilities: number[][];
      expected: { average_precision_class0: number };
    };
    const golden = readGolden<Golden>('metrics_classification.json');
    const rows = golden.y_true.flatMap((label) =>
      Array.from({ length: golden.num_classes }, (_, index) => Number(index === label)),
    );
    const found = averagePrecisions(rows, golden.probabilities.flat(), golden.num_classes);
    // Eight digits are stored.
    expect(found[0]).toBeCloseTo(golden.expected.average_precision_class0, 7);
    expect(found[5]).toBeNull();
  });

  test('the loss of an image is the mean over its classes, finite for the surest mistake', () => {
    const [plain, sure] = binaryCrossEntropyRows([0, 2, 500, -500], [1, 0, 0, 1], 2);
    expect(plain).toBeCloseTo((Math.log(2) + 2 + Math.log1p(Math.exp(-2))) / 2, 6);
    expect(sure).toBe(500);
  });
});
