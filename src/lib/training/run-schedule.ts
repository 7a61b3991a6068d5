// The schedule of a whole run: one job's, over one or several segments of epochs. Pure arithmetic.

import type { Job } from '$lib/job/job';
import type { PlateauState } from './plateau';
import { createMomentum, createSchedule, warmupSteps } from './schedules';

export interface RunSchedule {
  /** Of all segments. */
  readonly epochs: number;
  /** Learning rate of step 0, 1, ... of the run; `plateau` is the state at that step, where the schedule is one. */
  rateAt(step: number, plateau?: PlateauState): number;
  /** Undefined leaves the optimiser's own. */
  momentumAt(step: number): number | undefined;
  /** Whether an epoch (counted from 0) is the first of a segment. */
  begins(epoch: number): boolean;
  /** Whether it is the last of one. */
  ends(epoch: number): boolean;
  /** Whether the step lies in a warm-up, during which a plateau watches nothing. */
  warmsUp(step: number): boolean;
}

/** Each of `segments` (in epochs; default: the job's alone) goes through the schedule from its start. */
export function scheduleOf(
  job: Pick<Job, 'scheduler' | 'optimizer' | 'training'>,
  stepsPerEpoch: number,
  segments: readonly number[] = [job.training.epochs],
): RunSchedule {
  const { scheduler, optimizer } = job;
  let epoch = 0;
  const parts = segments.map((epochs) => {
    const options = { rate: optimizer.learning_rate, steps: epochs * stepsPerEpoch, stepsPerEpoch };
    const warmup = warmupSteps(scheduler, options);
    const first = epoch;
    epoch += epochs;
    const rate = createSchedule(scheduler, options);
    const momentum = createMomentum(job, options.steps, warmup);
    return { first, end: epoch, firstStep: first * stepsPerEpoch, warmup, rate, momentum };
  });
  const at = (step: number) => parts.findLast(({ firstStep }) => firstStep <= step) ?? parts[0];
  return {
    epochs: epoch,
    rateAt(step, plateau) {
      const { firstStep, warmup, rate } = at(step);
      const value = rate(step - firstStep);
      if (scheduler.name !== 'plateau' || step - firstStep < warmup) return value;
      return Math.max(Math.min(value, scheduler.minimum_rate), value * (plateau?.factor ?? 1));
    },
    momentumAt(step) {
      const { firstStep, momentum } = at(step);
      return momentum(step - firstStep);
    },
    begins: (number) => parts.some(({ first }) => first === number),
    ends: (number) => parts.some(({ end }) => end === number + 1),
    warmsUp(step) {
      const { firstStep, warmup } = at(step);
      return step - firstStep < warmup;
    },
  };
}
