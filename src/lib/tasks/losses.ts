// Makes the loss that a job names. The one place where a task's id leads to its tfjs code; for workers only.

import { TrainyardError } from '$lib/core/errors';
import type { LossFunction } from '$lib/engines/contract';
import type { Job } from '$lib/job/job';
import type { Annotation } from '$lib/storage/records';
import { crossEntropy, inverseClassWeights, supervisedContrastive } from './classification/loss';

export interface LossContext {
  classes: number;
  /** Annotations of the train split, for class weights. */
  train: readonly Annotation[];
}

type LossMaker = (settings: Job['loss'], context: LossContext) => LossFunction;

/** '<task id>/<loss name>'. */
const LOSSES: Readonly<Record<string, LossMaker>> = {
  'classification/cross_entropy': (settings, { classes, train }) =>
    crossEntropy({
      labelSmoothing: Number(settings.label_smoothing ?? 0),
      classWeights: settings.class_weights === 'inverse' ? inverseClassWeights(train, classes) : null,
    }),
};

/** Tasks whose targets say which images belong together. */
const CONTRASTIVE: readonly string[] = ['classification'];

/** The loss of metric learning on projections. Throws 'unknown-loss' for a task that has none. */
export function createContrastiveLoss(
  task: string,
  { temperature }: Pick<Job['contrastive'], 'temperature'>,
): LossFunction {
  if (CONTRASTIVE.includes(task)) return supervisedContrastive({ temperature });
  throw new TrainyardError('unknown-loss', `There is no metric learning for ${task}.`, 'Set contrastive.epochs to 0.');
}

/** Throws 'unknown-loss' where the task has none of that name. */
export function createLoss(task: string, settings: Job['loss'], context: LossContext): LossFunction {
  const key = `${task}/${settings.name}`;
  if (!Object.hasOwn(LOSSES, key)) {
    throw new TrainyardError('unknown-loss', `There is no loss "${settings.name}" for ${task}.`, 'Correct loss.name.');
  }
  return LOSSES[key](settings, context);
}
