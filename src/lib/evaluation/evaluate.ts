// Runs a model over a split and judges it by its task. Where the results go is the caller's affair.

import { collectOutputs, type OutputProgress, type Predicts } from '$lib/training/predict';
import { annotationsOf, type BatchSource } from '$lib/training/source';
import type { Annotation } from '$lib/storage/records';
import type { EvaluationResult, ImageResults, Task } from '$lib/tasks/contract';
import { TrainyardError } from '$lib/core/errors';

export interface EvaluateInput {
  model: Predicts;
  source: BatchSource;
  task: Task;
  classes: readonly string[];
  /** Annotations of the train split, for the baseline. */
  train: readonly Annotation[];
  signal?: AbortSignal;
}

/** Yields progress; returns the result with a row for each image. Throws 'empty-split' and, when aborted, 'cancelled'. */
export async function* evaluate(
  input: EvaluateInput,
): AsyncGenerator<OutputProgress, { result: EvaluationResult; images: ImageResults }> {
  const { model, source, task, classes, train, signal } = input;
  if (source.items.length === 0) throw emptySplit();
  const outputs = yield* collectOutputs(model, source, signal);
  if (outputs === null) throw new TrainyardError('cancelled', 'The evaluation was cancelled.');
  return task.evaluate({
    outputs,
    annotations: annotationsOf(source.items),
    paths: source.items.map(({ path }) => path),
    classes,
    train,
  });
}

function emptySplit(): TrainyardError {
  return new TrainyardError(
    'empty-split',
    'The split has no images to evaluate on.',
    'Choose another split, or divide the data so that it gets some.',
  );
}
