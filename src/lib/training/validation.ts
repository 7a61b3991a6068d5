// One validation of a run: the present weights on the validation split, judged by the task.

import type { TrainStep } from '$lib/engines/contract';
import type { Task } from '$lib/tasks/contract';
import type { LoopEvent } from './loop';
import { collectOutputs } from './predict';
import { annotationsOf, type BatchSource } from './source';

export interface Validation {
  task: Task;
  classes: readonly string[];
  train: BatchSource;
  val: BatchSource;
  /** With EMA it predicts with the averages. */
  step: TrainStep;
  /** As told. */
  epoch: number;
  signal: AbortSignal;
  now: () => number;
  emitEveryMs: number;
}

/** The task's metrics on the validation split, named val_...; null when stopped meanwhile. */
export async function* validate(
  validation: Validation,
): AsyncGenerator<Extract<LoopEvent, { type: 'validating' }>, Record<string, number> | null> {
  const { task, classes, train, val, step, epoch, signal, now, emitEveryMs } = validation;
  const collecting = collectOutputs(step, val, signal);
  let lastEmit = now();
  for (;;) {
    const next = await collecting.next();
    if (next.done === true) {
      if (next.value === null) return null;
      const { result } = task.evaluate({
        outputs: next.value,
        annotations: annotationsOf(val.items),
        paths: val.items.map(({ path }) => path),
        classes,
        train: annotationsOf(train.items),
      });
      const defined = Object.entries(result.metrics).filter((entry): entry is [string, number] => entry[1] !== null);
      return Object.fromEntries(defined.map(([name, value]) => [`val_${name}`, value]));
    }
    if (now() - lastEmit < emitEveryMs) continue;
    lastEmit = now();
    yield { type: 'validating', epoch, ...next.value };
  }
}
