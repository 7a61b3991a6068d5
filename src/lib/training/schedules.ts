// Learning rate and momentum by step, from the job's scheduler. Pure arithmetic, so a resumed run needs no scheduler state but
// the plateau's.

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

type Scheduler = Job['scheduler'];

/**
 * The job's schedule, warm-up first. Of 'plateau', whose falls depend on validations, it is the rate before the first one.
 *
 * Warm-up rises with every step, also where the schedule behind it changes with epochs: one step of a staircase would be no warm-up.
 * Epochs behind it are counted from the one in which it ends. Before one_cycle it leads to where the cycle starts, which then
 * has the steps that are left. `minimum_rate` is a floor under what falls, not under warm-up.
 */
export function createSchedule(scheduler: Scheduler, options: ScheduleOptions): Schedule {
  const warmup = warmupSteps(scheduler, options);
  const after = withFloor(
    Math.min(options.rate, scheduler.minimum_rate),
    fallingPart(scheduler, { ...options, warmup }),
  );
  const top = scheduler.name === 'one_cycle' ? after(0) : options.rate;
  return withWarmup(warmup, top, after, scheduler.warmup_start);
}

/** Steps of the warm-up, at most all of them. */
export function warmupSteps(
  scheduler: Pick<Scheduler, 'warmup_epochs'>,
  options: Omit<ScheduleOptions, 'rate'>,
): number {
  return Math.min(options.steps, Math.round(scheduler.warmup_epochs * options.stepsPerEpoch));
}

/** What comes behind the warm-up, by steps since its end. */
function fallingPart(
  scheduler: Scheduler,
  { rate, steps, stepsPerEpoch, warmup }: ScheduleOptions & { warmup: number },
): Schedule {
  const left = steps - warmup;
  if (scheduler.name === 'one_cycle') return oneCycle(rate, left, scheduler);
  const byEpoch = scheduler.interval === 'epoch';
  const warmEpochs = Math.floor(warmup / stepsPerEpoch);
  // Time that the schedule knows: whole epochs, or steps, of which `unit` make an epoch.
  const unit = byEpoch ? 1 : stepsPerEpoch;
  const time = byEpoch
    ? (step: number) => Math.floor((step + warmup) / stepsPerEpoch) - warmEpochs
    : (step: number) => step;
  const length = byEpoch ? Math.max(1, Math.round(steps / stepsPerEpoch) - warmEpochs) : left;
  const course = courseOf(scheduler, { rate, unit, length });
  return (step) => course(time(step));
}

/** Rate by time, of which `unit` make an epoch and `length` all of it. */
function courseOf(scheduler: Scheduler, options: { rate: number; unit: number; length: number }): Schedule {
  const { rate, unit, length } = options;
  const { minimum_rate: minimum, gamma } = scheduler;
  switch (scheduler.name) {
    case 'constant':
    case 'plateau':
    case 'one_cycle':
      return () => rate;
    case 'step':
      return staircase(rate, Math.max(1, Math.round(scheduler.step_epochs * unit)), gamma);
    case 'multi_step':
      return multiStep(
        rate,
        scheduler.milestones.map((epoch) => Math.round(epoch * unit)),
        gamma,
      );
    case 'exponential':
      return (time) => rate * gamma ** (time / unit);
    case 'cosine':
      return cosine(rate, length, minimum);
    case 'cosine_restarts': {
      const restarts = cosineRestarts(rate, scheduler.restart_epochs, scheduler.restart_factor, minimum);
      return (time) => restarts(time / unit);
    }
    case 'polynomial':
      return polynomial(rate, length, scheduler.power, minimum);
    default:
      return scheduler.name satisfies never;
  }
}

function withFloor(minimum: number, schedule: Schedule): Schedule {
  return minimum > 0 ? (step) => Math.max(minimum, schedule(step)) : schedule;
}

/** PyTorch's StepLR: `gamma` times the rate before, every `period`. */
export function staircase(rate: number, period: number, gamma: number): Schedule {
  return (time) => rate * gamma ** Math.floor(time / period);
}

/** PyTorch's MultiStepLR: `gamma` times the rate before at each of the milestones; one that is named twice counts twice. */
export function multiStep(rate: number, milestones: readonly number[], gamma: number): Schedule {
  return (time) => rate * gamma ** milestones.filter((milestone) => milestone <= time).length;
}

/** PyTorch's PolynomialLR, to `minimum` instead of 0. */
export function polynomial(rate: number, length: number, power: number, minimum: number): Schedule {
  return (time) => minimum + (rate - minimum) * (1 - Math.min(time, length) / length) ** power;
}

/** Half a cosine from `rate` at step 0 to `minimum` at step `steps` (Loshchilov and Hutter 2017, without restarts). */
export function cosine(rate: number, length: number, minimum: number): Schedule {
  return (step) => minimum + ((rate - minimum) * (1 + Math.cos((Math.PI * step) / length))) / 2;
}

/** PyTorch's CosineAnnealingWarmRestarts: half cosines of `first`, `first * factor`, ... each from the rate again. */
export function cosineRestarts(rate: number, first: number, factor: number, minimum: number): Schedule {
  return (time) => {
    const { since, length } = cycleAt(time, first, factor);
    return minimum + ((rate - minimum) * (1 + Math.cos((Math.PI * since) / length))) / 2;
  };
}

function cycleAt(time: number, first: number, factor: number): { since: number; length: number } {
  // A form that draws while a person types may ask for cycles of no length.
  let [since, length] = [time, Math.max(first, 1e-3)];
  if (factor <= 1) return { since: since % length, length };
  // Sums of powers, not logarithms: those miss a restart by a rounding. A factor near 1 takes as many turns as there are restarts.
  while (since >= length) {
    since -= length;
    length *= factor;
  }
  return { since, length };
}

/** Linear from a share `start` of the rate, reaching it at step `warmup`; `after` then counts its steps from 0. */
export function withWarmup(warmup: number, rate: number, after: Schedule, start = 0.1): Schedule {
  return (step) => (step < warmup ? rate * (start + ((1 - start) * step) / warmup) : after(step - warmup));
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
 * Momentum (Adam, AdamW: the first beta) of step 0, 1, ...; undefined leaves the optimiser's own. With one_cycle it goes against
 * the rate, as in PyTorch's OneCycleLR (Smith 2018), at its highest during a warm-up. SGD and RMSprop without momentum have none
 * to cycle.
 */
export function createMomentum(
  job: Pick<Job, 'scheduler' | 'optimizer'>,
  steps: number,
  warmup = 0,
): (step: number) => number | undefined {
  const { scheduler, optimizer } = job;
  const cycles = scheduler.name === 'one_cycle' && scheduler.cycle_momentum;
  if (!cycles || !hasMomentum(optimizer)) return () => undefined;
  const [low, high] = MOMENTUM;
  const cycle = twoPhases([high, low, high], steps - warmup, scheduler.pct_start);
  return (step) => (step < warmup ? high : cycle(step - warmup));
}

function hasMomentum({ name, momentum }: Job['optimizer']): boolean {
  switch (name) {
    case 'sgd':
    case 'rmsprop':
      return momentum > 0;
    case 'adam':
    case 'adamw':
      return true;
    default:
      return name satisfies never;
  }
}

/** From the first value to the second during the first `share` of the steps, then to the third at the last step. */
function twoPhases([start, peak, end]: readonly [number, number, number], steps: number, share: number): Schedule {
  const last = steps - 1;
  // A single step would be the last one: of a rate, it would move nothing.
  if (last <= 0) return () => peak;
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
