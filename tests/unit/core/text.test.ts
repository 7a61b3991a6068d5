// CSV cells, numbers for people, suggestions and the published JSON Schema.
import { expect, test } from 'vitest';
import { csvCell, csvRow, csvText } from '$lib/core/csv';
import * as format from '$lib/core/format';
import { documentSchema } from '$lib/core/json-schema';
import { suggest } from '$lib/core/suggest';

test('CSV quotes what needs it and doubles quotes', () => {
  expect(csvCell('plain')).toBe('plain');
  expect(csvCell('a,b')).toBe('"a,b"');
  expect(csvCell('say "x"')).toBe('"say ""x"""');
  expect(csvCell('two\nlines')).toBe('"two\nlines"');
  expect(csvCell(' padded')).toBe('" padded"');
  expect(csvCell(null)).toBe('');
  expect(csvCell('=1+1')).toBe('=1+1');
  expect(csvRow([''])).toBe('""');
  expect(
    csvText([
      ['image', 'p:a,b'],
      [0.5, true],
    ]),
  ).toBe('image,"p:a,b"\r\n0.5,true\r\n');
});

test.each([
  [0, '0 B'],
  [980, '980 B'],
  [999.6, '1.0 kB'],
  [1536, '1.5 kB'],
  [302_000_000, '302 MB'],
  [9_960_000, '10 MB'],
  [5e15, '5,000 TB'],
  [NaN, '–'],
])('%d bytes read %s', (bytes, text) => {
  expect(format.formatBytes(bytes)).toBe(text);
});

test.each([
  [0.0004, '0 ms'],
  [0.004, '4 ms'],
  [0.04, '0.04 s'],
  [0.44, '0.4 s'],
  [9.96, '10 s'],
  [59.6, '1 min 00 s'],
  [185, '3 min 05 s'],
  [3599.6, '1 h 00 min'],
  [7440, '2 h 04 min'],
  [266_400, '3 d 2 h'],
  [null, '–'],
  [Infinity, '–'],
])('%s seconds read %s', (seconds, text) => {
  expect(format.formatDuration(seconds)).toBe(text);
});

test('counts, rates, ratios and plain numbers are short and grouped', () => {
  expect(format.formatCount(1234567)).toBe('1,234,567');
  expect(format.formatCount(-1234)).toBe('-1,234');
  expect(format.formatNumber(-0.001, 1)).toBe('0.0');
  expect(format.formatPercent(0.97349)).toBe('97.3 %');
  expect(format.formatPercent(null)).toBe('–');
  expect(format.formatRate(412.4, 'images')).toBe('412 images/s');
  expect(format.formatRate(3.25, 'images')).toBe('3.3 images/s');
  expect(format.formatSignificant(0.00123456)).toBe('0.00123');
  expect(format.formatSignificant(1.23456e-7)).toBe('1.23e-7');
  expect(format.formatSignificant(12345)).toBe('12,300');
  expect(format.formatSignificant(0)).toBe('0');
  expect(format.formatPlural(1, 'image')).toBe('1 image');
  expect(format.formatPlural(2000, 'class', 'classes')).toBe('2,000 classes');
});

test('a suggestion is made only for a likely slip', () => {
  expect(suggest('lerning_rate', ['learning_rate', 'epochs'])).toBe('learning_rate');
  expect(suggest('ResNet18', ['resnet18', 'tiny-cnn'])).toBe('resnet18');
  expect(suggest('lr', ['name', 'learning_rate'])).toBe('learning_rate');
  expect(suggest('foo', ['seed', 'epochs'])).toBeNull();
  expect(suggest('x', [])).toBeNull();
});

test('the JSON Schema holds types, ranges, options and defaults', () => {
  const schema = documentSchema(
    {
      rate: {
        type: 'number',
        title: 'Rate',
        help: 'Speed.',
        default: 1,
        minimum: 0,
        exclusiveMinimum: true,
        maximum: 2,
      },
      kind: { type: 'choice', title: 'Kind', help: '', default: 'a', options: [{ value: 'a', title: 'A', help: 'h' }] },
      inner: {
        type: 'object',
        title: 'Inner',
        help: '',
        fields: {
          betas: { type: 'numbers', title: 'Betas', help: '', default: [0, 1], length: 2, minimum: 0 },
          count: { type: 'optional-integer', title: 'Count', help: '', default: null, minimum: 1, nullTitle: 'auto' },
        },
      },
    },
    { title: 'Job', description: 'A run.' },
  );
  expect(schema).toEqual({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Job',
    description: 'A run.',
    type: 'object',
    additionalProperties: false,
    properties: {
      rate: { title: 'Rate', description: 'Speed.', type: 'number', default: 1, exclusiveMinimum: 0, maximum: 2 },
      kind: {
        title: 'Kind',
        description: '',
        type: 'string',
        default: 'a',
        oneOf: [{ const: 'a', title: 'A', description: 'h' }],
      },
      inner: {
        title: 'Inner',
        description: '',
        type: 'object',
        additionalProperties: false,
        properties: {
          betas: {
            title: 'Betas',
            description: '',
            type: 'array',
            default: [0, 1],
            items: { type: 'number', minimum: 0 },
            minItems: 2,
            maxItems: 2,
          },
          count: { title: 'Count', description: '', type: ['integer', 'null'], default: null, minimum: 1 },
        },
      },
    },
  });
});
