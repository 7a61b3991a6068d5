import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { countClasses } from '$lib/core/annotations';
import { defaultsOf } from '$lib/core/validate';
import type { LossFunction } from '$lib/engines/contract';
import { TASKS } from '$lib/tasks/catalog';
import {
  effectiveClassWeights,
  inverseClassWeights,
  inversePositiveWeights,
  manualClassWeights,
} from '$lib/tasks/class-weights';
import { crossEntropy, focal, supervisedContrastive } from '$lib/tasks/classification/loss';
import { besideTeacher, softLabels } from '$lib/tasks/distillation/soft-labels';
import { createContrastiveLoss, createLoss, withDistillation } from '$lib/tasks/losses';
import { binaryCrossEntropy, sigmoidFocal } from '$lib/tasks/multi-label/loss';
import { readGolden } from '../../golden';

interface Golden {
  logits: number[][];
  labels: number[];
  class_weights: number[];
  soft_targets: number[][];
  mask_logits: number[][][][];
  mask: number[][][][];
  embeddings: number[][];
  embedding_labels: number[];
  expected: Record<string, { loss: number; grad: number[][] | number[][][][] }>;
}

const golden = readGolden<Golden>('losses.json');
const classes = golden.logits[0].length;
const oneHot = golden.labels.map((label) => Array.from({ length: classes }, (_, index) => Number(index === label)));
// float32 against float64 on values of about 2.
const RELATIVE = 1e-5;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

type Nested = tf.TensorLike;

/** Value and gradient; leaves no tensor behind. */
function evaluate(loss: LossFunction, inputs: Nested, targets: Nested): { value: number; slope: number[] } {
  const before = tf.memory().numTensors;
  const found = tf.tidy(() => {
    const result = tf.valueAndGrad((x) => tf.sum<tf.Scalar>(loss(x, tf.tensor(targets))))(tf.tensor(inputs));
    return { value: result.value.dataSync()[0], slope: Array.from(result.grad.dataSync()) };
  });
  expect(tf.memory().numTensors).toBe(before);
  return found;
}

function expectClose(
  { value, slope }: { value: number; slope: number[] },
  expected: { loss: number; grad: readonly unknown[] },
): void {
  expect(Math.abs(value - expected.loss)).toBeLessThan(RELATIVE * Math.abs(expected.loss));
  const grad = expected.grad.flat(4) as number[]; // Numbers all the way down.
  const largest = Math.max(...grad.map(Math.abs));
  expect(slope).toHaveLength(grad.length);
  grad.forEach((wanted, index) => {
    expect(Math.abs(slope[index] - wanted)).toBeLessThan(RELATIVE * largest);
  });
}

function expectGolden(loss: LossFunction, targets: Nested, name: string, inputs: Nested = golden.logits): void {
  expectClose(evaluate(loss, inputs, targets), golden.expected[name]);
}

// Inputs of the numbers below that PyTorch 1.13 gave in float64; each test names the call.
const logits = [
  [2, -1, 0.5],
  [0, 0, 0],
  [-3, 4, 1],
];
const soft = [
  [0.7, 0.3, 0],
  [1, 0, 0],
  [0, 0.5, 0.5],
];
const several = [
  [1, 0, 1],
  [0, 0, 0],
  [0, 1, 1],
];
const weights = Float32Array.of(1, 2, 0.5);

describe("cross entropy, value and gradient, equals PyTorch's", () => {
  it('plain', () => {
    expectGolden(crossEntropy(), oneHot, 'cross_entropy');
  });
  it('with label smoothing', () => {
    expectGolden(crossEntropy({ labelSmoothing: 0.1 }), oneHot, 'cross_entropy_smoothing_0_1');
  });
  it('with class weights', () => {
    const classWeights = Float32Array.from(golden.class_weights);
    expectGolden(crossEntropy({ classWeights }), oneHot, 'cross_entropy_weighted');
  });
  it('with soft targets', () => {
    expectGolden(crossEntropy(), golden.soft_targets, 'cross_entropy_soft_targets');
  });
  it.each([0, 0.1])('but is finite for a batch in which no image weighs anything, smoothing %d', (labelSmoothing) => {
    const loss = crossEntropy({ classWeights: Float32Array.of(0, 1), labelSmoothing });
    const { value, slope } = evaluate(loss, [[2, 1]], [[1, 0]]);
    // The smoothed part alone, over one image: the other class has logarithm -1 - log(1 + 1 / e).
    expect(value).toBeCloseTo((labelSmoothing / 2) * (1 + Math.log1p(Math.exp(-1))), 6);
    expect(slope.every(Number.isFinite)).toBe(true);
  });
  it('with class weights and smoothing of probabilities, where the mean is over images', () => {
    // F.cross_entropy(logits, soft, weight=weights, label_smoothing=0.1)
    const loss = crossEntropy({ classWeights: weights, labelSmoothing: 0.1, probabilities: true });
    expectClose(evaluate(loss, logits, soft), {
      loss: 1.430716803516738,
      grad: [
        0.11582272816828944, -0.18544727413057183, 0.0696245459622824, -0.19814814814814818, 0.09074074074074072,
        0.1074074074074074, -0.010751904686281802, 0.07169545396613745, -0.06094354927985559,
      ],
    });
  });
});

describe('the focal loss', () => {
  it("equals the reference's, value and gradient", () => {
    expectGolden(focal({ gamma: 2 }), oneHot, 'focal_softmax_gamma2');
  });

  it('is cross entropy at gamma 0, with soft targets, smoothing and weights too', () => {
    const options = { classWeights: weights, labelSmoothing: 0.1, probabilities: true };
    const expected = evaluate(crossEntropy(options), logits, soft);
    expect(evaluate(focal({ ...options, gamma: 0 }), logits, soft)).toEqual(expected);
    // And near it for a small gamma: the power is not skipped there.
    expect(evaluate(focal({ ...options, gamma: 1e-4 }), logits, soft).value).toBeCloseTo(expected.value, 3);
  });

  it.each([0.5, 1, 2, 5])('has a finite gradient where the model is sure, at gamma %d', (gamma) => {
    const { value, slope } = evaluate(focal({ gamma }), [[60, -60], [-60, 60]], [[1, 0], [1, 0]]); // prettier-ignore
    expect(value).toBeGreaterThan(0);
    expect(slope.every(Number.isFinite)).toBe(true);
  });
});

describe('the losses of several classes at once', () => {
  it("binary cross entropy equals PyTorch's, value and gradient", () => {
    expectGolden(binaryCrossEntropy(), golden.mask, 'bce', golden.mask_logits);
  });

  it("weights of presence equal PyTorch's, also where a head of zeros starts", () => {
    // F.binary_cross_entropy_with_logits(logits, several, pos_weight=weights)
    expectClose(evaluate(binaryCrossEntropy({ positiveWeights: weights }), logits, several), {
      loss: 0.33313197594439525,
      grad: [
        -0.013244769113568632, 0.02988238015222168, -0.02097448159989697, 0.05555555555555555, 0.05555555555555555,
        0.05555555555555555, 0.005269541464174087, -0.003996935547131455, -0.01494119007611084,
      ],
    });
  });

  it("the focal loss over sigmoids equals torchvision's, value and gradient", () => {
    expectGolden(
      sigmoidFocal({ alpha: 0.25, gamma: 2 }),
      golden.mask,
      'sigmoid_focal_a025_g2_mean',
      golden.mask_logits,
    );
  });

  it("the focal loss over sigmoids equals torchvision's for soft targets", () => {
    // sigmoid_focal_loss(logits, targets, alpha=0.25, gamma=1.5, reduction='mean')
    const targets = [[0.7, 0.3, 0], [1, 0.2, 0], [0, 0.5, 0.5]]; // prettier-ignore
    expectClose(evaluate(sigmoidFocal({ alpha: 0.25, gamma: 1.5 }), logits, targets), {
      loss: 0.15770987629224364,
      grad: [
        0.00044724104308084566, 0.0025403043505510745, 0.048049243949063326, -0.010015974922138597,
        0.015624920878536213, 0.03004792476641579, 0.00010057085959525195, 0.00946764498781205, 0.0045384191055722655,
      ],
    });
  });
});

describe('distillation', () => {
  const teacher = [[1, 2, -1], [3, 0, 0], [-2, 5, 0]]; // prettier-ignore
  const outputs = 3;
  const beside = (own: number[][], activation: 'softmax' | 'sigmoid') => {
    const labels = softLabels(Float32Array.from(teacher.flat()), outputs, { temperature: 4, activation });
    const both = besideTeacher(Float32Array.from(own.flat()), labels, outputs);
    return [0, 1, 2].map((row) => [...both.subarray(row * 6, row * 6 + 6)]);
  };

  it("equals PyTorch's, value and gradient", () => {
    // 0.3 * F.cross_entropy(logits, soft) + 0.7 * 16 *
    //   F.kl_div(F.log_softmax(logits / 4, 1), F.softmax(teacher / 4, 1), reduction='batchmean')
    const loss = withDistillation(crossEntropy(), { temperature: 4, weight: 0.7, outputs });
    expectClose(evaluate(loss, logits, beside(soft, 'softmax')), {
      loss: 1.1903268371935218,
      grad: [
        0.1178367474594573, -0.2365469249353267, 0.11871017747586937, -0.23548430809355148, 0.11774215404677572,
        0.11774215404677572, -0.012453537318599666, -0.026989849825976825, 0.03944338714457658,
      ],
    });
  });

  it("equals PyTorch's where each class is a yes or no", () => {
    // p = sigmoid(teacher / 4); q = logits / 4; 0.3 * F.binary_cross_entropy_with_logits(logits, several) + 0.7 * 16 *
    //   (p * (p.log() - F.logsigmoid(q)) + (1 - p) * ((1 - p).log() - F.logsigmoid(-q))).mean()
    const options = { temperature: 4, weight: 0.7, outputs, activation: 'sigmoid' } as const;
    const loss = withDistillation(binaryCrossEntropy(), options);
    expectClose(evaluate(loss, logits, beside(several, 'sigmoid')), {
      loss: 0.3365382621814701,
      grad: [
        0.014781227586480282, -0.04847754482604768, 0.01646869414303427, -0.03907781752123338, 0.016666666666666666,
        0.016666666666666666, -0.016065163152515285, -0.014985717123749864, 0.010379086229915145,
      ],
    });
  });

  it('has nothing to learn from a teacher of the same mind', () => {
    const same = softLabels(Float32Array.from(logits.flat()), outputs, { temperature: 2 });
    const targets = besideTeacher(new Float32Array(9), same, outputs);
    const loss = withDistillation(crossEntropy(), { temperature: 2, weight: 1, outputs });
    const rows = [0, 1, 2].map((row) => [...targets.subarray(row * 6, row * 6 + 6)]);
    const { value, slope } = evaluate(loss, logits, rows);
    // Sums of float32 logarithms that cancel.
    expect(Math.abs(value)).toBeLessThan(1e-6);
    expect(Math.max(...slope.map(Math.abs))).toBeLessThan(1e-6);
  });

  it('stays finite where the teacher is so sure that float32 rounds to 0', () => {
    const loss = withDistillation(crossEntropy(), { temperature: 1, weight: 0.5, outputs: 2 });
    const { value, slope } = evaluate(loss, [[30, -30]], [[1, 0, 0, 1]]);
    expect([value, ...slope].every(Number.isFinite)).toBe(true);
  });
});

describe('the supervised contrastive loss', () => {
  const labels = golden.embedding_labels.map((label) => [0, 1, 2].map((index) => Number(index === label)));

  it("equals PyTorch's, value and gradient, with images that are alone in their class", () => {
    expectGolden(supervisedContrastive({ temperature: 0.1 }), labels, 'supcon_t01', golden.embeddings);
  });

  it('stays finite where a low temperature makes all others vanish', () => {
    const loss = supervisedContrastive({ temperature: 0.01 });
    const value = tf.tidy(() => loss(tf.tensor2d([[1, 0], [-1, 0]]), tf.tensor2d([[1], [1]])).dataSync()[0]); // prettier-ignore
    expect(value).toBeCloseTo(0, 5);
  });

  it('is the loss of metric learning, and 0 without gradient for a batch without pairs', () => {
    const loss = createContrastiveLoss('classification', { temperature: 0.1 });
    const { value, slope } = evaluate(loss, [[3, 4], [0, 0]], [[1, 0], [0, 1]]); // prettier-ignore
    expect(value).toBeCloseTo(0, 10);
    expect(slope.map(Math.abs)).toEqual([0, 0, 0, 0]);
    expect(() => createContrastiveLoss('detection', { temperature: 0.1 })).toThrow('no metric learning for detection');
  });
});

describe('class weights', () => {
  const train = [0, 0, 0, 1].map((index) => ({ kind: 'class', class: index }) as const);

  it('by inverse frequency are 1 in the mean over the images', () => {
    expect(Array.from(inverseClassWeights(countClasses(train, 2)))).toEqual([Math.fround(4 / 6), 2]);
  });

  it('by effective number are the paper’s, and those of classes without images are 0', () => {
    // Cui et al. 2019: (1 - b) / (1 - b^n), made to sum to the number of classes.
    const [a, b] = [0.1 / (1 - 0.9 ** 3), 1];
    const expected = [(2 * a) / (a + b), (2 * b) / (a + b), 0];
    const found = effectiveClassWeights(Float64Array.of(3, 1, 0), 0.9);
    expected.forEach((weight, index) => expect(found[index]).toBeCloseTo(weight, 6));
    expect(Array.from(effectiveClassWeights(Float64Array.of(3, 1), 0))).toEqual([1, 1]);
    const near = effectiveClassWeights(Float64Array.of(3, 1), 1 - 1e-9);
    expect(near[1] / near[0]).toBeCloseTo(3, 5);
  });

  it('of presence are the absences for each presence', () => {
    const annotations = [[0], [0, 1], [0], [0]].map((indices) => ({ kind: 'classes', classes: indices }) as const);
    const counts = countClasses(annotations, 3);
    expect(Array.from(counts)).toEqual([4, 1, 0]);
    expect(Array.from(inversePositiveWeights(counts, 4))).toEqual([1, 3, 1]);
  });

  it.each<[unknown]>([
    [[1, 2]],
    [[1, 2, 3, 4]],
    [[1, -1, 1]],
    [[0, 0, 0]],
    [[1, 'x', 2]],
    [[1, 'x', 2, 3]],
    [undefined],
  ])('by hand are refused unless there is a number for each class: %j', (values) => {
    expect(() => manualClassWeights(values, 3)).toThrow('class_weight_values');
  });
});

describe('the loss of a job', () => {
  const train = [0, 0, 0, 1].map((index) => ({ kind: 'class', class: index }) as const);
  const images = [[3, 0], [3, 0]]; // prettier-ignore
  const hard = [[1, 0], [0, 1]]; // prettier-ignore
  const [right, wrong] = [Math.log(1 + Math.exp(-3)), 3 + Math.log(1 + Math.exp(-3))];

  it('weighs classes by their inverse frequency in train', () => {
    const settings = { name: 'cross_entropy', class_weights: 'inverse' };
    const loss = createLoss('classification', settings, { classes: 2, train });
    expect(evaluate(loss, images, hard).value).toBeCloseTo(((4 / 6) * right + 2 * wrong) / (4 / 6 + 2), 5);
  });

  it('weighs classes by hand, and by images where they are mixed', () => {
    const settings = { name: 'cross_entropy', class_weights: 'manual', class_weight_values: [1, 5] };
    const loss = createLoss('classification', settings, { classes: 2, train });
    expect(evaluate(loss, images, hard).value).toBeCloseTo((right + 5 * wrong) / 6, 5);
    const mixed = createLoss('classification', settings, { classes: 2, train, probabilities: true });
    expect(evaluate(mixed, images, hard).value).toBeCloseTo((right + 5 * wrong) / 2, 5);
  });

  it('reads gamma, alpha, beta and weights of presence', () => {
    const value = (task: string, settings: { name: string; [key: string]: unknown }) =>
      evaluate(createLoss(task, settings, { classes: 2, train }), images, hard).value;
    expect(value('classification', { name: 'focal', focal_gamma: 0 })).toBeCloseTo((right + wrong) / 2, 5);
    expect(value('classification', { name: 'focal' })).toBeLessThan((right + wrong) / 2);
    const effective = (beta: number) =>
      value('classification', { name: 'cross_entropy', class_weights: 'effective', beta });
    expect(effective(0)).toBeCloseTo((right + wrong) / 2, 5);
    // 1 + 1/2 + 1/4 images' worth for three, 1 for one.
    expect(effective(0.5)).toBeCloseTo((right / 1.75 + wrong) / (1 / 1.75 + 1), 5);
    const plain = value('multi_label', { name: 'binary_cross_entropy' });
    expect(value('multi_label', { name: 'focal', focal_gamma: 0, focal_alpha: 0.5 })).toBeCloseTo(plain / 2, 5);
    // Three images of class 0 among four: presence weighs a third; one of class 1: three times.
    const inverse = value('multi_label', { name: 'binary_cross_entropy', class_weights: 'inverse' });
    expect(inverse).toBeCloseTo((right / 3 + Math.log(2) + wrong + 3 * Math.log(2)) / 4, 5);
  });

  it('exists for every name of the catalogue, and learns from soft targets', () => {
    const soft = [[0.3, 0.7], [1, 0], [0.5, 0.5]]; // prettier-ignore
    for (const { id, lossFields } of TASKS) {
      const { name } = lossFields;
      const { class_weights: kinds } = lossFields;
      if (name.type !== 'choice' || kinds.type !== 'choice') throw new Error('These are choices.');
      for (const loss of name.options) {
        for (const weighing of kinds.options) {
          const settings = {
            ...defaultsOf(lossFields),
            name: loss.value,
            class_weights: weighing.value,
            class_weight_values: [1, 2],
          };
          const made = createLoss(id, settings, { classes: 2, train, probabilities: true });
          const { value, slope } = evaluate(made, [[4, -2], [0, 0], [-30, 30]], soft); // prettier-ignore
          expect(value, `${id} ${loss.value} ${weighing.value}`).toBeGreaterThan(0);
          expect(slope.every(Number.isFinite), `${id} ${loss.value} ${weighing.value}`).toBe(true);
          expect(slope.some((one) => one !== 0)).toBe(true);
        }
      }
    }
  });

  it('is refused under an unknown name', () => {
    expect(() => createLoss('classification', { name: 'hinge' }, { classes: 2, train: [] })).toThrow('no loss "hinge"');
  });
});
