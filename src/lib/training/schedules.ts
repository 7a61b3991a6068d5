// Learning rate by step, from the job's scheduler. Pure arithmetic, so a resumed run needs no scheduler state.

import type { Job } from '$lib/job/job';

/** Learning rate of step 0, 1, ... */
export type Schedule = (step: number) => number;

export interface ScheduleOptions {
  /** The rate at its highest. */
  rate: number;
  /** Steps of the whole run. */
  steps: number;
  stepsPerEpoch: number;
}

/** Warm-up starts at this share of the rate. */
const WARMUP_START = 0.1;

export function createSchedule(scheduler: Job['scheduler'], options: ScheduleOptions): Schedule {
  const { rate, steps, stepsPerEpoch } = options;
  switch (scheduler.name) {
    case 'one_cycle':
      return oneCycle(rate, steps, scheduler);
    case 'cosine': {
      const warmup = warmupSteps(scheduler, stepsPerEpoch);
      return withWarmup(warmup, rate, cosine(rate, steps - warmup, scheduler.minimum_rate));
    }
    case 'constant':
      return withWarmup(warmupSteps(scheduler, stepsPerEpoch), rate, () => rate);
    default:
      return scheduler.name satisfies never;
  }
}

function warmupSteps(scheduler: Job['scheduler'], stepsPerEpoch: number): number {
  return Math.round(scheduler.warmup_epochs * stepsPerEpoch);
}

/** Half a cosine from `rate` at step 0 to `minimum` at step `steps` (Loshchilov and Hutter 2017, without restarts). */
export function cosine(rate: number, steps: number, minimum: number): Schedule {
  return (step) => minimum + ((rate - minimum) * (1 + Math.cos((Math.PI * step) / steps))) / 2;
}

/** Linear from a tenth of the rate, reaching it at step `warmup`; `after` then counts its steps from 0. */
export function withWarmup(warmup: number, rate: number, after: Schedule): Schedule {
  return (step) =>
    step < warmup ? rate * (WARMUP_START + ((1 - WARMUP_START) * step) / warmup) : after(step - warmup);
}

export interface OneCycleOptions {
  pct_start: number;
  div_factor: number;
  final_div_factor: number;
}

/**
 * PyTorch's OneCycleLR with cosine annealing and two phases: up from rate / div_factor during the first pct_start of the steps,
 * then down to that / final_div_factor at the last step. {@link createMomentum} is its other half.
 */
export function oneCycle(rate: number, steps: number, options: OneCycleOptions): Schedule {
  const start = rate / options.div_factor;
  return twoPhases([start, rate, start / options.final_div_factor], steps, options.pct_start);
}

/** PyTorch's base_momentum and max_momentum. */
const MOMENTUM = [0.85, 0.95] as const;

/**
 * Momentum (AdamW: the first beta) of step 0, 1, ...; undefined leaves the optimiser's own. With one_cycle it goes against the
 * rate, as in PyTorch's OneCycleLR (Smith 2018). SGD without momentum has none to cycle.
 */
export function createMomentum(
  job: Pick<Job, 'scheduler' | 'optimizer'>,
  steps: number,
): (step: number) => number | undefined {
  const { scheduler, optimizer } = job;
  const cycles = scheduler.name === 'one_cycle' && scheduler.cycle_momentum;
  if (!cycles || (optimizer.name === 'sgd' && optimizer.momentum === 0)) return () => undefined;
  const [low, high] = MOMENTUM;
  return twoPhases([high, low, high], steps, scheduler.pct_start);
}

/** From the first value to the second during the first `share` of the steps, then to the third at the last step. */
function twoPhases([start, peak, end]: readonly [number, number, number], steps: number, share: number): Schedule {
  const last = steps - 1;
  // A single step would be the last one: of a rate, it would move nothing.
  if (last === 0) return () => peak;
  const turn = share * steps - 1;
  return (step) => {
    // Runs of a few steps have no room to rise: the peak lies before the first step.
    if (step <= turn) return anneal(start, peak, turn === 0 ? 1 : step / turn);
    return anneal(peak, end, (step - turn) / (last - turn));
  };
}

/** From `from` to `to` along half a cosine, `done` in 0..1. */
function anneal(from: number, to: number, done: number): number {
  return to + ((from - to) / 2) * (1 + Math.cos(Math.PI * done));
}
