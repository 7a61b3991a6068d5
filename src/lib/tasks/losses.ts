// Makes the loss that a job names. The one place where a task's id leads to its tfjs code; for workers only.

import { countClasses } from '$lib/core/annotations';
import { TrainyardError } from '$lib/core/errors';
import type { LossFunction } from '$lib/engines/contract';
import type { Job } from '$lib/job/job';
import type { Annotation } from '$lib/storage/records';
import { TASKS } from './catalog';
import {
  effectiveClassWeights,
  inverseClassWeights,
  inversePositiveWeights,
  manualClassWeights,
} from './class-weights';
import { crossEntropy, focal, supervisedContrastive, type CrossEntropyOptions } from './classification/loss';
import { classificationLossFields } from './classification/meta';
import { binaryCrossEntropy, sigmoidFocal } from './multi-label/loss';
import { multiLabelLossFields } from './multi-label/meta';

export { withDistillation, type DistillationOptions } from './distillation/loss';

export interface LossContext {
  classes: number;
  /** Annotations of the train split, for class weights. */
  train: readonly Annotation[];
  /** Targets are probabilities: images are mixed; see CrossEntropyOptions. */
  probabilities?: boolean;
}

type LossMaker = (settings: Job['loss'], context: LossContext) => LossFunction;

/** '<task id>/<loss name>'. */
const LOSSES: Readonly<Record<string, LossMaker>> = {
  'classification/cross_entropy': (settings, context) => crossEntropy(softmaxOptions(settings, context)),
  'classification/focal': (settings, context) =>
    focal({
      ...softmaxOptions(settings, context),
      gamma: Number(settings.focal_gamma ?? classificationLossFields.focal_gamma.default),
    }),
  'multi_label/binary_cross_entropy': (settings, context) =>
    binaryCrossEntropy({ positiveWeights: positiveWeights(settings, context) }),
  'multi_label/focal': (settings, context) =>
    sigmoidFocal({
      gamma: Number(settings.focal_gamma ?? multiLabelLossFields.focal_gamma.default),
      alpha: Number(settings.focal_alpha ?? multiLabelLossFields.focal_alpha.default),
      positiveWeights: positiveWeights(settings, context),
    }),
};

function softmaxOptions(settings: Job['loss'], context: LossContext): CrossEntropyOptions {
  return {
    labelSmoothing: Number(settings.label_smoothing ?? 0),
    classWeights: classWeights(settings, context),
    probabilities: context.probabilities ?? false,
  };
}

/** Null weighs every image alike. Throws 'class-weights'. */
function classWeights(settings: Job['loss'], { classes, train }: LossContext): Float32Array | null {
  switch (settings.class_weights) {
    case 'manual':
      return manualClassWeights(settings.class_weight_values, classes);
    case 'inverse':
      return inverseClassWeights(countClasses(train, classes));
    case 'effective': {
      const beta = Number(settings.beta ?? classificationLossFields.beta.default);
      return effectiveClassWeights(countClasses(train, classes), beta);
    }
    default:
      return null;
  }
}

/** Null weighs presence and absence alike. Throws 'class-weights'. */
function positiveWeights(settings: Job['loss'], { classes, train }: LossContext): Float32Array | null {
  switch (settings.class_weights) {
    case 'manual':
      return manualClassWeights(settings.class_weight_values, classes);
    case 'inverse':
      return inversePositiveWeights(countClasses(train, classes), train.length);
    default:
      return null;
  }
}

/** The loss of metric learning on projections. Throws 'unknown-loss' for a task that has none. */
export function createContrastiveLoss(
  task: string,
  { temperature }: Pick<Job['contrastive'], 'temperature'>,
): LossFunction {
  if (TASKS.some(({ id, pairs }) => id === task && pairs)) return supervisedContrastive({ temperature });
  throw new TrainyardError('unknown-loss', `There is no metric learning for ${task}.`, 'Set contrastive.epochs to 0.');
}

/** Throws 'unknown-loss' where the task has none of that name and 'class-weights' where those by hand do not fit. */
export function createLoss(task: string, settings: Job['loss'], context: LossContext): LossFunction {
  const key = `${task}/${settings.name}`;
  if (!Object.hasOwn(LOSSES, key)) {
    throw new TrainyardError('unknown-loss', `There is no loss "${settings.name}" for ${task}.`, 'Correct loss.name.');
  }
  return LOSSES[key](settings, context);
}
