// Which runs a sweep has: every combination, the same random ones for the same seed, the rungs of successive halving.
import { expect, it } from 'vitest';
import { countTrials, documentOf, epochsOf, rungsOf, shortPath, trialsOf } from '$lib/queue/plan';
import { SAMPLE_JOB } from '$lib/job/sample';
import type { Job } from '$lib/job/job';
import { getPath } from '$lib/core/path';
import type { SweepSpecification } from '$lib/storage/records';

/** Only what a plan reads of it. */
const JOB = {
  ...SAMPLE_JOB,
  training: { epochs: 10, batch_size: 32 },
  model: { name: 'a', config: { width: 2 } },
} as unknown as Job;
const SPACE = {
  'optimizer.learning_rate': { kind: 'log_uniform', minimum: 1e-4, maximum: 1e-1 },
  'augment.rotation': { kind: 'uniform', minimum: 0, maximum: 30 },
  'training.batch_size': { kind: 'uniform', minimum: 8, maximum: 64, integer: true },
  'optimizer.name': { kind: 'choice', values: ['sgd', 'adamw'] },
} as const;
const halving = (change: object = {}) =>
  ({ method: 'halving', space: SPACE, trials: 27, seed: 1, minimum: 1, maximum: 27, factor: 3, ...change }) as const;

it('is every combination of a grid, the last field changing first', () => {
  const sweep: SweepSpecification = {
    method: 'grid',
    values: { 'optimizer.name': ['sgd', 'adamw'], 'optimizer.learning_rate': [0.1, 0.01, 0.001] },
  };
  const trials = trialsOf(sweep);
  expect(countTrials(sweep)).toBe(6);
  expect(trials.map(({ name }) => name)).toEqual([
    'name sgd, learning_rate 0.1',
    'name sgd, learning_rate 0.01',
    'name sgd, learning_rate 0.001',
    'name adamw, learning_rate 0.1',
    'name adamw, learning_rate 0.01',
    'name adamw, learning_rate 0.001',
  ]);
  expect(new Set(trials.map(({ name }) => name)).size).toBe(6);
});

it('draws the same trials for the same seed, others for another, all within their ranges', () => {
  const trials = trialsOf({ method: 'random', space: SPACE, trials: 200, seed: 5 });
  expect(trialsOf({ method: 'random', space: SPACE, trials: 200, seed: 5 })).toEqual(trials);
  expect(trialsOf({ method: 'random', space: SPACE, trials: 200, seed: 6 })).not.toEqual(trials);
  // More trials later are those before and some more.
  expect(trialsOf({ method: 'random', space: SPACE, trials: 50, seed: 5 })).toEqual(trials.slice(0, 50));
  const rates = trials.map(({ variant }) => Number(variant['optimizer.learning_rate']));
  expect(Math.min(...rates)).toBeGreaterThanOrEqual(1e-4);
  expect(Math.max(...rates)).toBeLessThanOrEqual(1e-1);
  // Uniform in the logarithm: a third of 200 in each decade, with a standard deviation of 6.7; 5 of them is never.
  for (const decade of [1e-4, 1e-3, 1e-2]) {
    const within = rates.filter((rate) => rate >= decade && rate < decade * 10).length;
    expect(Math.abs(within - 200 / 3)).toBeLessThan(34);
  }
  for (const { variant } of trials) {
    expect(Number.isInteger(variant['training.batch_size'])).toBe(true);
    expect(['sgd', 'adamw']).toContain(variant['optimizer.name']);
  }
});

it('never draws the same values twice, and stops where there are no others', () => {
  const space = { 'optimizer.name': { kind: 'choice', values: ['sgd', 'adam', 'adamw'] } } as const;
  const names = trialsOf({ method: 'random', space, trials: 10, seed: 0 }).map(({ name }) => name);
  expect(names.toSorted()).toEqual(['name adam', 'name adamw', 'name sgd']);
  // As many as there are: what was drawn before is drawn anew.
  const seeds = { seed: { kind: 'uniform', minimum: 1, maximum: 8, integer: true } } as const;
  expect(trialsOf({ method: 'random', space: seeds, trials: 8, seed: 0 })).toHaveLength(8);
});

it('holds each fold out once', () => {
  const sweep: SweepSpecification = { method: 'folds', folds: 3 };
  const trials = trialsOf(sweep);
  expect(trials.map(({ name }) => name)).toEqual(['fold 1 of 3', 'fold 2 of 3', 'fold 3 of 3']);
  const documents = trials.map(({ variant }) => documentOf(JOB, sweep, variant));
  expect(documents.map((document) => getPath(document, 'validation.fold'))).toEqual([0, 1, 2]);
  expect(documents.map((document) => getPath(document, 'validation.folds'))).toEqual([3, 3, 3]);
});

it('gives successive halving its rungs, from few epochs for many to all for the best', () => {
  expect(rungsOf(halving())).toEqual([
    { epochs: 1, trials: 27 },
    { epochs: 3, trials: 9 },
    { epochs: 9, trials: 3 },
    { epochs: 27, trials: 1 },
  ]);
  // 50 / 3^3 = 1.85: the maximum is reached exactly, the minimum is not gone below.
  expect(rungsOf(halving({ maximum: 50, trials: 10 }))).toEqual([
    { epochs: 2, trials: 10 },
    { epochs: 6, trials: 3 },
    { epochs: 17, trials: 1 },
    { epochs: 50, trials: 1 },
  ]);
  expect(rungsOf(halving({ minimum: 8, maximum: 8 }))).toEqual([{ epochs: 8, trials: 27 }]);
  // The quotient of the logarithms is 2.9999999999999996.
  expect(rungsOf(halving({ maximum: 1000, factor: 10 }))).toHaveLength(4);
});

it('counts the epochs that a sweep takes', () => {
  expect(epochsOf({ method: 'folds', folds: 5 }, JOB)).toBe(50);
  expect(epochsOf({ method: 'grid', values: { 'training.epochs': [2, 4], seed: [1, 2, 3] } }, JOB)).toBe(18);
  // 27 x 1, then 9 x 2, 3 x 6 and 1 x 18 more.
  expect(epochsOf(halving(), JOB)).toBe(27 + 18 + 18 + 18);
});

it('begins a trial of successive halving with the epochs of its first rung', () => {
  expect(getPath(documentOf(JOB, halving({ maximum: 50 }), {}), 'training.epochs')).toBe(2);
});

it('leaves the settings of a model behind with the model', () => {
  const sweep: SweepSpecification = { method: 'grid', values: { 'model.name': ['a', 'b'] } };
  expect(documentOf(JOB, sweep, { 'model.name': 'b' })).toHaveProperty('model', { name: 'b', config: {} });
  expect(documentOf(JOB, sweep, { seed: 4 })).toMatchObject({ model: { name: 'a', config: { width: 2 } }, seed: 4 });
});

it('names a field by as little of its path as tells it from the others', () => {
  expect(shortPath('optimizer.name', ['optimizer.name', 'seed'])).toBe('name');
  expect(shortPath('optimizer.name', ['optimizer.name', 'model.name'])).toBe('optimizer.name');
  expect(shortPath('a.b.scale', ['a.b.scale', 'c.b.scale', 'd.scale'])).toBe('a.b.scale');
  expect(shortPath('loss.name', ['loss.name', 'xloss.name'])).toBe('loss.name');
});

it.each<[string, SweepSpecification, string]>([
  ['no field', { method: 'grid', values: {} }, 'No field varies.'],
  ['no value', { method: 'grid', values: { seed: [] } }, '"seed" has no values.'],
  [
    'far too many combinations',
    {
      method: 'grid',
      values: {
        seed: Array.from({ length: 40 }, (_, i) => i),
        'training.epochs': Array.from({ length: 40 }, (_, i) => i),
      },
    },
    'These are 1600 combinations; at most 1000 are run.',
  ],
  [
    'an empty range',
    { method: 'random', space: { seed: { kind: 'uniform', minimum: 2, maximum: 2 } }, trials: 1, seed: 0 },
    'The range of "seed" is 2 to 2.',
  ],
  [
    'a logarithm of zero',
    { method: 'random', space: { seed: { kind: 'log_uniform', minimum: 0, maximum: 2 } }, trials: 1, seed: 0 },
    'begins at 0',
  ],
  ['no trial', { method: 'random', space: SPACE, trials: 0, seed: 0 }, 'The number of trials is 0.'],
  ['more epochs at first than at last', halving({ minimum: 9, maximum: 3 }), 'The most epochs is 3.'],
  ['a factor of one', halving({ factor: 1 }), 'The factor is 1.'],
  ['a single fold', { method: 'folds', folds: 1 }, 'The number of folds is 1.'],
])('refuses %s', (_, sweep, message) => {
  expect(() => trialsOf(sweep)).toThrow(message);
});
