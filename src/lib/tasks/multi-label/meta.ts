// Multi-label classification as data: its metrics and the settings of its loss. No code, so that the page can load it.

import type { Fields } from '$lib/core/schema';
import type { MetricInfo, TaskMeta } from '../contract';

/** Shown in this order. */
const metrics = [
  { id: 'mean_average_precision', title: 'Mean average precision', better: 'higher', format: 'ratio' },
  { id: 'macro_f1', title: 'Macro F1', better: 'higher', format: 'ratio' },
  { id: 'micro_f1', title: 'Micro F1', better: 'higher', format: 'ratio' },
  { id: 'subset_accuracy', title: 'Subset accuracy', better: 'higher', format: 'ratio', share: true },
  { id: 'hamming_loss', title: 'Hamming loss', better: 'lower', format: 'ratio' },
  { id: 'loss', title: 'Loss', better: 'lower', format: 'number' },
] as const satisfies readonly MetricInfo[];

/** Values of `loss` in a multi-label job. */
export const multiLabelLossFields = {
  name: {
    type: 'choice',
    title: 'Loss',
    help: 'What training makes small. Binary cross entropy asks of each class by itself how probable its presence or absence was.',
    group: 'Loss',
    default: 'binary_cross_entropy',
    options: [
      { value: 'binary_cross_entropy', title: 'Binary cross entropy' },
      {
        value: 'focal',
        title: 'Focal loss',
        help: 'Binary cross entropy in which answers that the model is already sure of count little (Lin et al. 2017). For many classes that are rarely present.',
      },
    ],
  },
  focal_gamma: {
    type: 'number',
    title: 'Focus',
    help: 'Gamma of the focal loss: how much less an answer counts, the surer and righter the model is. 0 is binary cross entropy.',
    group: 'Loss',
    default: 2,
    minimum: 0,
    maximum: 10,
    step: 0.5,
    visibleWhen: { name: ['focal'] },
  },
  focal_alpha: {
    type: 'number',
    title: 'Weight of presence',
    help: 'Alpha of the focal loss: the weight of classes that are present; those that are absent have 1 - alpha. 0.5 weighs both alike.',
    group: 'Loss',
    advanced: true,
    default: 0.25,
    minimum: 0,
    maximum: 1,
    step: 0.05,
    visibleWhen: { name: ['focal'] },
  },
  class_weights: {
    type: 'choice',
    title: 'Class weights',
    help: 'How much the presence of a class counts beside its absence.',
    group: 'Loss',
    advanced: true,
    default: 'none',
    options: [
      { value: 'none', title: 'Presence and absence count the same' },
      {
        value: 'inverse',
        title: 'By inverse frequency',
        help: 'Presence weighs as much as there are images without the class for each with it, counted over the train split.',
      },
      { value: 'manual', title: 'By hand', help: 'A number for each class.' },
    ],
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

export const multiLabelMeta: TaskMeta = {
  id: 'multi_label',
  title: 'Multi-label classification',
  models: 'classification',
  annotations: 'classes',
  pairs: false,
  metrics,
  primaryMetric: 'mean_average_precision',
  lossFields: multiLabelLossFields,
};
