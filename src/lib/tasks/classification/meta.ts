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
    options: [{ value: 'cross_entropy', title: 'Cross entropy' }],
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
    ],
  },
} as const satisfies Fields;

export const classificationMeta: TaskMeta = {
  id: 'classification',
  title: 'Image classification',
  metrics,
  primaryMetric: 'accuracy',
  lossFields: classificationLossFields,
};
