// One small trained model as the exports see it, with everything that a bundle can hold.
import type { TrainedModel } from '$lib/interchange/contract';
import type { EvaluationResult } from '$lib/tasks/contract';
import tinyCnn from '$models/tiny-cnn/build';
import { testJob, trainedModel } from './models';

export const classes = ['rose', 'tulip | pipe', 'Gänseblümchen', '"quoted"'];

const result: EvaluationResult = {
  count: 40,
  metrics: { accuracy: 0.875, balanced_accuracy: 0.87, macro_f1: null, loss: 0.41 },
  classes,
  per_class: classes.map((name, index) => ({ class: name, precision: 0.9, recall: 0.8, f1: 0.85, support: 9 + index })),
  confusion_matrix: classes.map((_, row) => classes.map((__, column) => (row === column ? 8 : 1))),
  baseline: {
    name: 'majority class',
    class: 'rose',
    metrics: { accuracy: 0.3, balanced_accuracy: 0.25, macro_f1: 0.1 },
  },
};

/** 24 x 32, four classes. */
export function trainedTiny(changes: Partial<TrainedModel> = {}): TrainedModel {
  const graph = tinyCnn({ config: {}, imageSize: [24, 32], classes: classes.length });
  return trainedModel(graph, {
    name: 'Flowers <1>',
    classes,
    job: { ...testJob, model: { name: 'tiny-cnn', config: { width: 1 }, weights: null } },
    evaluation: { split: 'test', checkpoint: 'best', epoch: 3, result },
    data: { name: 'flowers.zip', images: { train: 300, val: 40, test: 40 } },
    ...changes,
  });
}
