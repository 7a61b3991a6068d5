// The sweep that a filled dialog means, and what is said of one that means none.
import { expect, it } from 'vitest';
import type { Fields } from '$lib/core/schema';
import { rowFor, sweepFields, sweepOf, type SweepForm, type SweepRow } from '$lib/ui/queue/sweep-form';

const FIELDS: Fields = {
  version: { type: 'integer', title: 'Version', help: '', default: 2 },
  seed: { type: 'integer', title: 'Seed', help: '', default: 0, minimum: 0 },
  optimizer: {
    type: 'object',
    title: 'Optimiser',
    help: '',
    fields: {
      name: {
        type: 'choice',
        title: 'Name',
        help: '',
        default: 'sgd',
        options: [
          { value: 'sgd', title: 'SGD' },
          { value: 'adamw', title: 'AdamW' },
        ],
      },
      learning_rate: {
        type: 'number',
        title: 'Learning rate',
        help: '',
        default: 0.1,
        minimum: 0,
        exclusiveMinimum: true,
        step: 'log',
      },
      nesterov: { type: 'boolean', title: 'Nesterov', help: '', default: false },
      betas: { type: 'numbers', title: 'Betas', help: '', default: [0.9, 0.999], length: 2 },
    },
  },
};
const JOB = { seed: 4, optimizer: { name: 'sgd', learning_rate: 0.03, nesterov: false, betas: [0.9, 0.999] } };

const row = (path: string, change: Partial<SweepRow> = {}): SweepRow => ({ ...rowFor(path, FIELDS, JOB), ...change });
const form = (rows: SweepRow[], change: Partial<SweepForm> = {}): SweepForm => ({
  method: 'grid',
  rows,
  trials: 5,
  seed: 1,
  minimum: 1,
  maximum: 9,
  factor: 3,
  ...change,
});

it('offers every field but those that a sweep cannot vary', () => {
  expect(sweepFields(FIELDS).map(({ path, title }) => [path, title])).toEqual([
    ['seed', 'Seed'],
    ['optimizer.name', 'Optimiser: name'],
    ['optimizer.learning_rate', 'Optimiser: learning rate'],
    ['optimizer.nesterov', 'Optimiser: nesterov'],
    ['optimizer.betas', 'Optimiser: betas'],
  ]);
});

it('begins with values around the one that the job has', () => {
  expect(row('optimizer.learning_rate')).toMatchObject({
    values: '0.01, 0.03, 0.09',
    minimum: '0.003',
    maximum: '0.3',
    log: true,
  });
  expect(row('seed')).toMatchObject({ values: '2, 4, 8', minimum: '2', maximum: '8', log: false });
  expect(row('optimizer.name').chosen).toEqual(['sgd', 'adamw']);
});

it('makes a grid of typed values, each once and as its field reads it', () => {
  const rows = [
    row('optimizer.learning_rate', { values: '1e-3, 0.01,0.001' }),
    row('optimizer.nesterov'),
    row('optimizer.betas', { values: '[0.9, 0.99], [0.8, 0.9]' }),
  ];
  expect(sweepOf(form(rows), FIELDS)).toEqual({
    sweep: {
      method: 'grid',
      values: {
        'optimizer.learning_rate': [0.001, 0.01],
        'optimizer.nesterov': [true, false],
        'optimizer.betas': [
          [0.9, 0.99],
          [0.8, 0.9],
        ],
      },
    },
  });
});

it('draws numbers from ranges and the rest from lists', () => {
  const rows = [row('optimizer.learning_rate'), row('seed', { minimum: '1', maximum: '9' }), row('optimizer.name')];
  const space = {
    'optimizer.learning_rate': { kind: 'log_uniform', minimum: 0.003, maximum: 0.3 },
    seed: { kind: 'uniform', minimum: 1, maximum: 9, integer: true },
    'optimizer.name': { kind: 'choice', values: ['sgd', 'adamw'] },
  };
  expect(sweepOf(form(rows, { method: 'random' }), FIELDS)).toEqual({
    sweep: { method: 'random', space, trials: 5, seed: 1 },
  });
  expect(sweepOf(form(rows, { method: 'halving' }), FIELDS)).toEqual({
    sweep: { method: 'halving', space, trials: 5, seed: 1, minimum: 1, maximum: 9, factor: 3 },
  });
});

it.each<[string, SweepForm, string, number | null]>([
  ['nothing', form([]), 'Choose at least one setting.', null],
  ['no value', form([row('seed'), row('optimizer.learning_rate', { values: ' , ' })]), 'Give at least one value.', 1],
  ['no choice', form([row('optimizer.name', { chosen: [] })]), 'Give at least one value.', 0],
  ['a value that the field refuses', form([row('optimizer.learning_rate', { values: '0.1, -1' })]), '-1', 0],
  ['text for a number', form([row('seed', { values: 'two' })]), 'two', 0],
  ['the same field twice', form([row('seed'), row('seed')]), 'This setting is there already.', 1],
  ['a falling range', form([row('seed', { minimum: '9', maximum: '3' })], { method: 'random' }), 'found 9 to 3', 0],
  ['no range', form([row('seed', { minimum: '' })], { method: 'random' }), 'From: ', 0],
  [
    'the logarithm of 0',
    form([row('seed', { minimum: '0', maximum: '3', log: true })], { method: 'random' }),
    'above 0',
    0,
  ],
])('says what is wrong with %s, and where', (_, given, message, at) => {
  const outcome = sweepOf(given, FIELDS);
  expect(outcome).toMatchObject({ problem: expect.stringContaining(message) as string, row: at });
});
