// Classification as data: its metrics and the settings of its loss. No code, so that the page can load it.

import type { Fields } from '$lib/core/schema';
import type { MetricInfo, TaskMeta } from '../contract';

/** Shown in this order. Macro recall is the balanced accuracy under another name. `top5_accuracy` exists only where there are more than five classes. */
const metrics = [
  { id: 'accuracy', title: 'Accuracy', better: 'higher', format: 'ratio', share: true },
  { id: 'balanced_accuracy', title: 'Balanced accuracy', better: 'higher', format: 'ratio' },
  { id: 'macro_f1', title: 'Macro F1', better: 'higher', format: 'ratio' },
  { id: 'top5_accuracy', title: 'Top-5 accuracy', better: 'higher', format: 'ratio', share: true },
  { id: 'loss', title: 'Loss', better: 'lower', format: 'number' },
] as const satisfies readonly MetricInfo[];

/** Values of `loss` in a classification job. */
export const classificationLossFields = {
  name: {
    type: 'choice',
    title: 'Loss',
    help: 'What training makes small. Cross entropy is the negative logarithm of the probability given to the true class.',
    group: 'Loss',
    default: 'cross_entropy',
    options: [
      { value: 'cross_entropy', title: 'Cross entropy' },
      {
        value: 'focal',
        title: 'Focal loss',
        help: 'Cross entropy in which images that the model is already sure of count little (Lin et al. 2017). For classes of very different frequency.',
      },
    ],
  },
  focal_gamma: {
    type: 'number',
    title: 'Focus',
    help: 'Gamma of the focal loss: how much less an image counts, the surer the model is of its class. 0 is cross entropy.',
    group: 'Loss',
    default: 2,
    minimum: 0,
    maximum: 10,
    step: 0.5,
    visibleWhen: { name: ['focal'] },
  },
  label_smoothing: {
    type: 'number',
    title: 'Label smoothing',
    help: 'Share of each target spread evenly over all classes; makes the model less sure of itself and often more accurate.',
    group: 'Loss',
    advanced: true,
    default: 0.05,
    minimum: 0,
    maximum: 1,
    exclusiveMaximum: true,
    step: 0.01,
  },
  class_weights: {
    type: 'choice',
    title: 'Class weights',
    help: 'Whether a rare class counts as much as a frequent one.',
    group: 'Loss',
    advanced: true,
    default: 'none',
    options: [
      { value: 'none', title: 'Every image counts the same' },
      {
        value: 'inverse',
        title: 'Every class counts the same',
        help: 'Each image weighs images / (classes x images of its class), counted over the train split.',
      },
      {
        value: 'effective',
        title: 'By effective number',
        help: 'Between the two: each further image of a class adds less that is new (Cui et al. 2019).',
      },
      { value: 'manual', title: 'By hand', help: 'A number for each class.' },
    ],
  },
  beta: {
    type: 'number',
    title: 'Beta',
    help: 'Of the effective number of images, (1 - beta^n) / (1 - beta). 0 weighs all classes alike; near 1, by the inverse of their images.',
    group: 'Loss',
    advanced: true,
    default: 0.999,
    minimum: 0,
    maximum: 1,
    exclusiveMaximum: true,
    visibleWhen: { class_weights: ['effective'] },
  },
  class_weight_values: {
    type: 'numbers',
    title: 'Weights by hand',
    help: 'One number for each class, in the order of the classes on the Data page: 1, 2.5, 1.',
    group: 'Loss',
    advanced: true,
    default: [],
    minimum: 0,
    visibleWhen: { class_weights: ['manual'] },
  },
} as const satisfies Fields;

export const classificationMeta: TaskMeta = {
  id: 'classification',
  title: 'Image classification',
  models: 'classification',
  annotations: 'class',
  pairs: true,
  metrics,
  primaryMetric: 'accuracy',
  lossFields: classificationLossFields,
};
