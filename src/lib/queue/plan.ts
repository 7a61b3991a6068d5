// Which jobs a sweep or a cross-validation consists of. Arithmetic on plain data: nothing is checked against the schema, nothing run.

import { TrainyardError } from '$lib/core/errors';
import { setPath } from '$lib/core/path';
import { integer, stream, type RandomStream } from '$lib/core/random';
import type { Job } from '$lib/job/job';
import type { SweepSpace, SweepSpecification } from '$lib/storage/records';

/** Values by dotted path in which a run differs from its group. */
export type Variant = Readonly<Record<string, unknown>>;

export interface Trial {
  /** For people: 'learning_rate 0.01, momentum 0.8', 'fold 2 of 5'. Unique in the group. */
  name: string;
  variant: Variant;
}

/** Successive halving: so many trials are trained up to so many epochs in all. */
export interface Rung {
  epochs: number;
  trials: number;
}

/** A mistake in the numbers would otherwise fill a disk. */
export const MOST_TRIALS = 1000;

/** How often a random trial is drawn anew where one with the same values is there already. */
const REDRAWS = 50;

/** Trials in the order in which they run. Throws 'sweep-invalid'. */
export function trialsOf(sweep: SweepSpecification): Trial[] {
  checkSweep(sweep);
  switch (sweep.method) {
    case 'grid':
      return combinations(Object.entries(sweep.values)).map((variant) => ({ name: trialName(variant), variant }));
    case 'random':
    case 'halving':
      return randomTrials(sweep.space, sweep.trials, sweep.seed);
    case 'folds':
      return Array.from({ length: sweep.folds }, (_, fold) => ({
        name: `fold ${fold + 1} of ${sweep.folds}`,
        variant: { 'validation.fold': fold },
      }));
  }
}

/** Number of runs without drawing them; random trials over few values may turn out to be fewer. Throws 'sweep-invalid'. */
export function countTrials(sweep: SweepSpecification): number {
  checkSweep(sweep);
  if (sweep.method === 'grid') return Object.values(sweep.values).reduce((product, { length }) => product * length, 1);
  return sweep.method === 'folds' ? sweep.folds : sweep.trials;
}

/** The job document of a trial, to be parsed: another model takes its own settings, and image size and rates of its own. */
export function documentOf(job: Job, sweep: SweepSpecification, variant: Variant): unknown {
  let document: unknown = job;
  if (sweep.method === 'folds') document = setPath(document, 'validation.folds', sweep.folds);
  if (sweep.method === 'halving') document = setPath(document, 'training.epochs', rungsOf(sweep)[0].epochs);
  if ('model.name' in variant) document = setPath(document, 'model.config', {});
  for (const [path, value] of Object.entries(variant)) document = setPath(document, path, value);
  return document;
}

/**
 * The rungs of successive halving (Jamieson and Talwalkar 2016), fewest epochs first: with each one `factor` times as many epochs for
 * 1 / `factor` of the trials. The last one has the maximum, the first one at least the minimum.
 */
export function rungsOf(sweep: Extract<SweepSpecification, { method: 'halving' }>): Rung[] {
  const { minimum, maximum, factor } = sweep;
  // The sum keeps log(1000) / log(10) = 2.9999999999999996 from losing a rung.
  const steps = Math.floor(Math.log(maximum / minimum) / Math.log(factor) + 1e-9);
  const rungs: Rung[] = [];
  let { trials } = sweep;
  for (let step = 0; step <= steps; step++) {
    rungs.push({ epochs: Math.round(maximum / factor ** (steps - step)), trials });
    // A single survivor has nobody to be compared with, but its remaining epochs are what the search was for.
    trials = Math.max(1, Math.floor(trials / factor));
  }
  return rungs;
}

/** Epochs of all runs together, for an estimate of the time. */
export function epochsOf(sweep: SweepSpecification, job: Pick<Job, 'training'>): number {
  if (sweep.method === 'halving') {
    const rungs = rungsOf(sweep);
    return rungs.reduce(
      (sum, { epochs, trials }, i) => sum + trials * (epochs - (i === 0 ? 0 : rungs[i - 1].epochs)),
      0,
    );
  }
  const swept = sweep.method === 'grid' ? sweep.values['training.epochs'] : undefined;
  const each = swept === undefined ? job.training.epochs : mean(swept.map(Number));
  return countTrials(sweep) * each;
}

/** 'learning_rate 0.01, name adamw' with as much of the path as tells the fields apart. */
export function trialName(variant: Variant): string {
  const paths = Object.keys(variant);
  return paths.map((path) => `${shortPath(path, paths)} ${valueText(variant[path])}`).join(', ');
}

/** The last part of a path, or more of it where another path ends alike. */
export function shortPath(path: string, among: readonly string[]): string {
  const parts = path.split('.');
  for (let from = parts.length - 1; from > 0; from--) {
    const short = parts.slice(from).join('.');
    if (among.every((other) => other === path || !`.${other}`.endsWith(`.${short}`))) return short;
  }
  return path;
}

/** As a job file would have it, without quotes. */
export function valueText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function combinations(fields: readonly (readonly [string, readonly unknown[]])[]): Variant[] {
  return fields.reduce<Variant[]>(
    (variants, [path, values]) => variants.flatMap((variant) => values.map((value) => ({ ...variant, [path]: value }))),
    [{}],
  );
}

function randomTrials(space: SweepSpace, trials: number, seed: number): Trial[] {
  const drawn = new Map<string, Trial>();
  for (let trial = 0; trial < trials; trial++) {
    for (let attempt = 0; attempt < REDRAWS; attempt++) {
      const variant = Object.fromEntries(
        Object.entries(space).map(([path, range]) => [path, draw(range, stream(seed, 'sweep', trial, attempt, path))]),
      );
      const key = JSON.stringify(variant);
      if (drawn.has(key)) continue;
      drawn.set(key, { name: trialName(variant), variant });
      break;
    }
  }
  return [...drawn.values()];
}

function draw(range: SweepSpace[string], random: RandomStream): unknown {
  if (range.kind === 'choice') return range.values[integer(random, range.values.length)];
  const { kind, minimum, maximum } = range;
  const place = random();
  const value =
    kind === 'uniform'
      ? minimum + place * (maximum - minimum)
      : Math.exp(Math.log(minimum) + place * (Math.log(maximum) - Math.log(minimum)));
  // Three digits are as many as make a difference, and a table stays readable.
  const rounded = range.integer === true ? Math.round(value) : Number(value.toPrecision(3));
  return Math.min(maximum, Math.max(minimum, rounded));
}

function checkSweep(sweep: SweepSpecification): void {
  switch (sweep.method) {
    case 'grid': {
      const fields = Object.entries(sweep.values);
      if (fields.length === 0) throw invalid('No field varies.', 'Choose at least one setting and its values.');
      const empty = fields.find(([, values]) => values.length === 0);
      if (empty !== undefined) throw invalid(`"${empty[0]}" has no values.`, 'Give it two or more.');
      const count = fields.reduce((product, [, { length }]) => product * length, 1);
      if (count > MOST_TRIALS) {
        throw invalid(
          `These are ${count} combinations; at most ${MOST_TRIALS} are run.`,
          'Try fewer values, or draw at random.',
        );
      }
      return;
    }
    case 'random':
    case 'halving':
      checkSpace(sweep.space);
      whole('The number of trials', sweep.trials, 1, MOST_TRIALS);
      if (sweep.method === 'random') return;
      whole('The fewest epochs', sweep.minimum, 1, Infinity);
      whole('The most epochs', sweep.maximum, sweep.minimum, Infinity);
      if (!(sweep.factor >= 2)) throw invalid(`The factor is ${sweep.factor}.`, 'Use 2 or more; 3 is usual.');
      return;
    case 'folds':
      whole('The number of folds', sweep.folds, 2, 100);
  }
}

function checkSpace(space: SweepSpace): void {
  const fields = Object.entries(space);
  if (fields.length === 0) throw invalid('No field varies.', 'Choose at least one setting and its range.');
  for (const [path, range] of fields) {
    if (range.kind === 'choice') {
      if (range.values.length === 0) throw invalid(`"${path}" has no values.`, 'Give it two or more.');
      continue;
    }
    const { minimum, maximum } = range;
    if (!Number.isFinite(minimum) || !Number.isFinite(maximum) || minimum >= maximum) {
      throw invalid(`The range of "${path}" is ${minimum} to ${maximum}.`, 'Its minimum must be below its maximum.');
    }
    if (range.kind === 'log_uniform' && minimum <= 0) {
      throw invalid(`The logarithmic range of "${path}" begins at ${minimum}.`, 'It must begin above 0.');
    }
  }
}

function whole(what: string, value: number, minimum: number, maximum: number): void {
  if (Number.isInteger(value) && value >= minimum && value <= maximum) return;
  const most = maximum === Infinity ? '' : ` and at most ${maximum}`;
  throw invalid(`${what} is ${value}.`, `It must be a whole number of at least ${minimum}${most}.`);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function invalid(message: string, hint: string): TrainyardError {
  return new TrainyardError('sweep-invalid', message, hint);
}
