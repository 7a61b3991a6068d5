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
 * then down to that / final_div_factor at the last step. Momentum is not cycled.
 */
export function oneCycle(rate: number, steps: number, options: OneCycleOptions): Schedule {
  const start = rate / options.div_factor;
  const end = start / options.final_div_factor;
  const last = steps - 1;
  // A single step would be the last one and move nothing.
  if (last === 0) return () => rate;
  const peak = options.pct_start * steps - 1;
  return (step) => {
    // Runs of a few steps have no room to rise: the peak lies before the first step.
    if (step <= peak) return anneal(start, rate, peak === 0 ? 1 : step / peak);
    return anneal(rate, end, (step - peak) / (last - peak));
  };
}

/** From `from` to `to` along half a cosine, `done` in 0..1. */
function anneal(from: number, to: number, done: number): number {
  return to + ((from - to) / 2) * (1 + Math.cos(Math.PI * done));
}
