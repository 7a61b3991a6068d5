// What a person writes for a sweep, and what is said where it makes none.
import { expect, it } from 'vitest';
import { parseGrid, parseSweep, parseValues } from '$lib/queue/specification';

it.each([
  ['0.1, 0.01', [0.1, 0.01]],
  ['sgd,adamw', ['sgd', 'adamw']],
  ['true,false', [true, false]],
  [
    '[0.9,0.99],[0.9,0.999]',
    [
      [0.9, 0.99],
      [0.9, 0.999],
    ],
  ],
  ['"a,b",c', ['a,b', 'c']],
  ['5', [5]],
  [' , ', []],
])('reads the values %j', (text, values) => {
  expect(parseValues(text)).toEqual(values);
});

it('reads settings of the command line as a grid', () => {
  expect(parseGrid(['optimizer.learning_rate=0.1,0.01', 'seed=1,2'])).toEqual({
    method: 'grid',
    values: { 'optimizer.learning_rate': [0.1, 0.01], seed: [1, 2] },
  });
  expect(() => parseGrid(['=1'])).toThrow('"=1" is not of the form path.to.field=a,b,c.');
});

it('reads documents of every method, with usual numbers where none are said', () => {
  expect(parseSweep({ method: 'grid', values: { seed: [1, 2] } })).toEqual({
    method: 'grid',
    values: { seed: [1, 2] },
  });
  expect(parseSweep({ method: 'folds' })).toEqual({ method: 'folds', folds: 5 });
  const space = {
    'optimizer.name': ['sgd', 'adamw'],
    'optimizer.learning_rate': { minimum: 0.001, maximum: 0.1, log: true },
  };
  expect(parseSweep({ method: 'random', space, trials: 4, seed: 9 })).toEqual({
    method: 'random',
    trials: 4,
    seed: 9,
    space: {
      'optimizer.name': { kind: 'choice', values: ['sgd', 'adamw'] },
      'optimizer.learning_rate': { kind: 'log_uniform', minimum: 0.001, maximum: 0.1 },
    },
  });
  expect(parseSweep({ method: 'halving', space: { seed: { minimum: 1, maximum: 9, integer: true } } })).toEqual({
    method: 'halving',
    space: { seed: { kind: 'uniform', minimum: 1, maximum: 9, integer: true } },
    trials: 9,
    seed: 0,
    minimum: 1,
    maximum: 9,
    factor: 3,
  });
});

it.each<[unknown, string]>([
  [[], 'A sweep must be a JSON object.'],
  [{ method: 'bayes' }, 'The method is "bayes"'],
  [{}, 'The method is undefined'],
  [{ method: 'grid' }, 'A grid needs "values"'],
  [{ method: 'grid', values: { seed: 3 } }, '"seed" needs a list of values'],
  [{ method: 'random' }, 'needs "space"'],
  [{ method: 'random', space: { seed: 3 } }, '"seed" needs a list of values, or an object'],
  [{ method: 'random', space: { seed: { minimum: 'a', maximum: 2 } } }, '"minimum" is "a"'],
  [{ method: 'random', space: { seed: { maximum: 2 } } }, '"minimum" is missing'],
  [{ method: 'folds', folds: '5' }, '"folds" is "5"'],
])('refuses %j', (document, message) => {
  expect(() => parseSweep(document)).toThrow(message);
});
