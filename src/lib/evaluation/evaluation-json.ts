// evaluation.json, the file that tells other programs how good a model is. The format is part of the product's contract.

import type { EvaluationRecord } from '$lib/storage/records';
import type { EvaluationResult } from '$lib/tasks/contract';

/** Rows of `confusion_matrix` are the truth. Null stands for 0 / 0. */
export type EvaluationJson = Pick<EvaluationRecord, 'split' | 'checkpoint' | 'epoch'> & EvaluationResult;

export function evaluationJson(
  evaluation: Pick<EvaluationRecord, 'split' | 'checkpoint' | 'epoch' | 'result'>,
): EvaluationJson {
  const { split, checkpoint, epoch, result } = evaluation;
  const { count, metrics, baseline, baselines, classes, per_class, confusion_matrix } = result;
  return {
    split,
    checkpoint,
    epoch,
    count,
    metrics,
    baseline,
    ...(baselines === undefined ? {} : { baselines }),
    classes,
    per_class,
    ...(confusion_matrix === undefined ? {} : { confusion_matrix }),
  };
}
