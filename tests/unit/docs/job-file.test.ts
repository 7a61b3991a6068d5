// docs/job-file.md holds a table made from the schema; this keeps the two equal. UPDATE_DOCS=1 writes it.
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Field, Fields } from '$lib/core/schema';
import { defaultsOf } from '$lib/core/validate';
import { defaultJob, parseJob } from '$lib/job/parse';
import { jobFields } from '$lib/job/schema';
import { MODELS, getModel } from '$lib/models/registry';
import { TASKS } from '$lib/tasks/catalog';

const PATH = new URL('../../../docs/job-file.md', import.meta.url);
const BEGIN = '<!-- settings: made from the schema by tests/unit/docs/job-file.test.ts -->';
const END = '<!-- end of settings -->';

const catalog = { models: MODELS, tasks: TASKS };

describe('docs/job-file.md', () => {
  it('lists every setting with its default and range', () => {
    const text = readFileSync(PATH, 'utf8');
    const before = text.slice(0, text.indexOf(BEGIN));
    const after = text.slice(text.indexOf(END));
    const expected = `${before}${BEGIN}\n\n${table()}\n\n${after}`;
    if (process.env.UPDATE_DOCS === '1') writeFileSync(PATH, expected);
    else expect(unpadded(text)).toBe(unpadded(expected));
  });

  it('shows jobs that are valid', () => {
    const text = readFileSync(PATH, 'utf8');
    const jobs = [...text.matchAll(/```json\n([\s\S]*?)```/g)].map(([, json]) => JSON.parse(json) as unknown);
    expect(jobs.length).toBeGreaterThan(1);
    for (const job of jobs) expect(() => parseJob(job, catalog)).not.toThrow();
  });
});

/** The formatter pads the table's cells. */
function unpadded(text: string): string {
  return text.replaceAll(/ {2,}/g, ' ').replaceAll(/-{3,}/g, '---');
}

function table(): string {
  const [first, ...others] = TASKS;
  const rows = leaves(jobFields(catalog, first, getModel('tiny-cnn')), EXAMPLE);
  // Of the other tasks what is theirs alone.
  for (const task of others) {
    const example = { loss: defaultsOf(task.lossFields) };
    const own = leaves(task.lossFields, example, 'loss.');
    rows.push(...own.map(([path, ...cells]) => [`${path}, task \`${task.id}\``, ...cells]));
  }
  const head = ['path', 'default', 'allowed', 'what it does'];
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  return lines.join('\n');
}

/** Defaults that follow the model or the data are those of tiny-cnn without data. */
const EXAMPLE: unknown = defaultJob(catalog, undefined, 'tiny-cnn');

function leaves(fields: Fields, example: unknown, prefix = ''): string[][] {
  return Object.entries(fields).flatMap(([name, field]) => {
    const path = `${prefix}${name}`;
    if (field.type === 'object') return leaves(field.fields, example, `${path}.`);
    return [[`\`${path}\``, code(valueAt(example, path)), allowed(field), field.help.replaceAll('|', '\\|')]];
  });
}

function valueAt(example: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (value, name) => (typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined),
      example,
    );
}

function code(value: unknown): string {
  return `\`${JSON.stringify(value)}\``;
}

function allowed(field: Exclude<Field, { type: 'object' }>): string {
  switch (field.type) {
    case 'choice':
      return field.options.map(({ value }) => `\`${value}\``).join(', ');
    case 'boolean':
      return '`true`, `false`';
    case 'string':
      return 'text';
    case 'numbers':
      return `${field.length ?? 'any number of'} numbers${range(field)}`;
    case 'optional-integer':
      return `whole number${range(field)} or null`;
    case 'integer':
      return `whole number${range(field)}`;
    case 'number':
      return `number${range(field)}`;
    default:
      return field satisfies never;
  }
}

function range(field: {
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: boolean;
  exclusiveMaximum?: boolean;
}): string {
  const low =
    field.minimum === undefined ? '' : ` ${field.exclusiveMinimum === true ? 'above' : 'from'} ${field.minimum}`;
  const high =
    field.maximum === undefined ? '' : ` ${field.exclusiveMaximum === true ? 'below' : 'to'} ${field.maximum}`;
  return low + high;
}
