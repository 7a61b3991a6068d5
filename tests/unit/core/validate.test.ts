// The schema vocabulary at work: defaults, every problem at once, text from forms and the command line.
import { describe, expect, test } from 'vitest';
import type { Fields } from '$lib/core/schema';
import { defaultsOf, fieldAt, isVisible, parseFieldText, validate, validateField } from '$lib/core/validate';

const text = { title: 'T', help: '' };
const fields = {
  seed: { type: 'integer', title: 'Seed', help: '', default: 7, minimum: 0 },
  optimizer: {
    type: 'object',
    title: 'Optimiser',
    help: '',
    fields: {
      name: {
        type: 'choice',
        title: 'Optimiser',
        help: '',
        default: 'adamw',
        options: [
          { value: 'adamw', title: 'AdamW' },
          { value: 'sgd', title: 'SGD' },
        ],
      },
      learning_rate: {
        type: 'number',
        title: 'Learning rate',
        help: '',
        default: 0.001,
        minimum: 0,
        exclusiveMinimum: true,
        maximum: 10,
      },
      nesterov: { type: 'boolean', title: 'Nesterov', help: '', default: false, visibleWhen: { name: ['sgd'] } },
      betas: { type: 'numbers', title: 'Betas', help: '', default: [0.9, 0.999], length: 2, minimum: 0, maximum: 1 },
    },
  },
  width: { type: 'number', title: 'Width', help: '', default: 1, minimum: 0.1, multipleOf: 0.1 },
  patience: { ...text, type: 'optional-integer', default: null, minimum: 1, nullTitle: 'never' },
  note: { ...text, type: 'string', default: '' },
} as const satisfies Fields;

describe('validate', () => {
  test('an empty object becomes the defaults', () => {
    const { value, problems } = validate(fields, {});
    expect(problems).toEqual([]);
    expect(value).toEqual(defaultsOf(fields));
    expect(value.optimizer).toEqual({ name: 'adamw', learning_rate: 0.001, nesterov: false, betas: [0.9, 0.999] });
  });

  test('its result has the precise type of the fields', () => {
    const { value } = validate(fields, { optimizer: { name: 'sgd' } });
    const name: 'adamw' | 'sgd' = value.optimizer.name;
    const betas: readonly [number, number] = value.optimizer.betas;
    const patience: number | null = value.patience;
    expect([name, betas, patience]).toEqual(['sgd', [0.9, 0.999], null]);
  });

  test('all problems are listed at once, each with its path, what was found and what is allowed', () => {
    const { problems } = validate(fields, {
      seed: 1.5,
      optimizer: { name: 'adamv', learning_rate: -1, nesterov: 'yes', betas: [0.9], lerning_rate: 1 },
      width: 0.25,
      patience: 0,
      note: 3,
      zzz: 1,
    });
    expect(problems).toEqual([
      { path: 'zzz', message: 'There is no field "zzz"; known: seed, optimizer, width, patience, note.' },
      { path: 'seed', message: 'Seed must be a whole number, at least 0; found 1.5.' },
      { path: 'optimizer.lerning_rate', message: 'There is no field "lerning_rate"; did you mean "learning_rate"?' },
      { path: 'optimizer.name', message: 'Optimiser has no option "adamv"; did you mean "adamw"?' },
      { path: 'optimizer.learning_rate', message: 'Learning rate must be above 0 and at most 10; found -1.' },
      { path: 'optimizer.nesterov', message: 'Nesterov must be true or false; found "yes".' },
      { path: 'optimizer.betas', message: 'Betas must be a list of 2 numbers; found [0.9].' },
      { path: 'width', message: 'Width must be a multiple of 0.1; found 0.25.' },
      { path: 'patience', message: 'T must be at least 1; found 0.' },
      { path: 'note', message: 'T must be text; found 3.' },
    ]);
  });

  test('a wrong value is replaced by its default and a right one beside it is kept', () => {
    const { value } = validate(fields, { seed: 3, optimizer: { learning_rate: 'fast', betas: [0.5, 0.6] } });
    expect(value.seed).toBe(3);
    expect(value.optimizer).toMatchObject({ learning_rate: 0.001, betas: [0.5, 0.6] });
  });

  test('the ends of a range count as the schema says', () => {
    const rate = fields.optimizer.fields.learning_rate;
    expect(validateField(rate, 0, 'x')).toHaveLength(1);
    expect(validateField(rate, 10, 'x')).toEqual([]);
    expect(validateField(fields.seed, 0, 'x')).toEqual([]);
    expect(validateField({ ...rate, exclusiveMaximum: true }, 10, 'x')).toHaveLength(1);
  });

  test('a decimal step is not defeated by binary rounding', () => {
    expect(validateField(fields.width, 0.3, 'x')).toEqual([]);
    expect(validateField(fields.width, 0.7, 'x')).toEqual([]);
    expect(validateField(fields.width, 0.35, 'x')).toHaveLength(1);
  });

  test('NaN, null, lists and text are not objects or numbers', () => {
    expect(validate(fields, []).problems[0].message).toMatch(/must be an object .* found \[\]/);
    expect(validate(fields, null).problems).toHaveLength(1);
    expect(validate(fields, { optimizer: 'adamw' }, 'job').problems).toEqual([
      {
        path: 'job.optimizer',
        message: 'Optimiser must be an object with named fields; found "adamw". Write {"name": "adamw"}.',
      },
    ]);
    expect(validateField(fields.width, NaN, 'x')).toHaveLength(1);
    expect(validateField(fields.seed, null, 'x')).toHaveLength(1);
    expect(validateField(fields.optimizer.fields.betas, [0.1, '0.2'], 'x')).toHaveLength(1);
  });

  test('names of the object prototype are unknown fields, not values', () => {
    const value: unknown = JSON.parse('{"__proto__": {"seed": 1}, "constructor": 1}');
    expect(validate(fields, value).problems.map(({ path }) => path)).toEqual(['__proto__', 'constructor']);
    expect(fieldAt(fields, 'toString')).toBeUndefined();
  });
});

describe('parseFieldText', () => {
  const { learning_rate: rate, betas, name, nesterov } = fields.optimizer.fields;

  test.each([
    [rate, ' 1e-3 ', 0.001],
    [rate, '.5', 0.5],
    [fields.seed, '12', 12],
    [nesterov, 'Yes', true],
    [nesterov, '0', false],
    [name, 'SGD', 'sgd'],
    [betas, '0.5, 0.75', [0.5, 0.75]],
    [betas, '[0.5,0.75]', [0.5, 0.75]],
    [fields.patience, 'none', null],
    [fields.patience, '', null],
    [fields.patience, '4', 4],
    [fields.note, ' kept as it is ', ' kept as it is '],
  ])('reads %o from %j', (field, typed, value) => {
    expect(parseFieldText(field, typed)).toEqual({ ok: true, value });
  });

  test.each([
    [rate, 'fast', 'Learning rate must be a number, above 0 and at most 10; found "fast".'],
    [rate, '', 'Learning rate must be a number, above 0 and at most 10; found "".'],
    [rate, '0x10', 'Learning rate must be a number, above 0 and at most 10; found "0x10".'],
    [rate, '-1', 'Learning rate must be above 0 and at most 10; found -1.'],
    [nesterov, 'maybe', 'Nesterov must be true or false; found "maybe".'],
    [name, 'adamx', 'Optimiser has no option "adamx"; did you mean "adamw"?'],
    [betas, '0.5', 'Betas must be a list of 2 numbers; found [0.5].'],
    [betas, '0.5, 2', 'Each number of Betas must be at least 0 and at most 1; found 2.'],
  ])('refuses for %o the text %j', (field, typed, message) => {
    expect(parseFieldText(field, typed)).toEqual({ ok: false, message });
  });

  test('reads an object as JSON', () => {
    expect(parseFieldText(fields.optimizer, '{"name": "sgd"}')).toEqual({ ok: true, value: { name: 'sgd' } });
    expect(parseFieldText(fields.optimizer, '{"name"').ok).toBe(false);
  });
});

test('a field is shown while its condition holds', () => {
  const { nesterov } = fields.optimizer.fields;
  expect(isVisible(nesterov, { name: 'sgd' })).toBe(true);
  expect(isVisible(nesterov, { name: 'adamw' })).toBe(false);
  expect(isVisible(fields.seed, {})).toBe(true);
  const warmup = { ...fields.note, visibleWhen: { decay: { above: 0 } } };
  expect([0.9, 0, 'x'].map((decay) => isVisible(warmup, { decay }))).toEqual([true, false, false]);
});

test('a field is found by its dotted path', () => {
  expect(fieldAt(fields, 'optimizer.betas')).toBe(fields.optimizer.fields.betas);
  expect(fieldAt(fields, 'seed.x')).toBeUndefined();
  expect(fieldAt(fields, 'optimizer.nothing')).toBeUndefined();
});
