// What the sweep dialog holds, and the sweep it means. Pure: which fields can vary, what is wrong with what was typed.
import type { Field, Fields } from '$lib/core/schema';
import { getPath, joinPath } from '$lib/core/path';
import { fieldAt, parseFieldText } from '$lib/core/validate';
import type { SweepSpace, SweepSpecification } from '$lib/storage/records';

export type SweepMethod = 'grid' | 'random' | 'halving';

/** One field that varies. Texts are as typed. */
export interface SweepRow {
  path: string;
  /** Values with commas between them: all of them in a grid, a choice at random. */
  values: string;
  /** Of a choice or a switch, which are tried. */
  chosen: readonly string[];
  /** Range of a number that is drawn at random. */
  minimum: string;
  maximum: string;
  log: boolean;
}

export interface SweepForm {
  method: SweepMethod;
  rows: readonly SweepRow[];
  trials: number;
  seed: number;
  minimum: number;
  maximum: number;
  factor: number;
}

export interface SweepField {
  path: string;
  title: string;
  field: Exclude<Field, { type: 'object' }>;
}

/** A sweep, or the sentence that says why it is none and the row that it is about. */
export type FormOutcome = { sweep: SweepSpecification } | { problem: string; row: number | null };

/** Said elsewhere, decided by the sweep itself, or of no meaning. */
const FIXED =
  /^(version|task|data|validation\.fold|engine|checkpoints|monitoring|model\.weights|distillation\.teacher)/;

/** Fields that a sweep can vary, in the order of the form. */
export function sweepFields(fields: Fields, path = '', above = ''): SweepField[] {
  return Object.entries(fields).flatMap(([name, field]): SweepField[] => {
    const at = joinPath(path, name);
    if (FIXED.test(at)) return [];
    const title = above === '' ? field.title : `${above}: ${lowerFirst(field.title)}`;
    if (field.type === 'object') return sweepFields(field.fields, at, title);
    return [{ path: at, title, field }];
  });
}

/** What is typed for a field at first: values around the one that the job has. */
export function rowFor(path: string, fields: Fields, job: unknown): SweepRow {
  const field = fieldAt(fields, path);
  const value = getPath(job, path);
  const row: SweepRow = { path, values: String(value ?? ''), chosen: [], minimum: '', maximum: '', log: false };
  if (field === undefined) return row;
  const options = optionsOf(field);
  if (options.length > 0) return { ...row, chosen: options.map((option) => option.value) };
  if (typeof value !== 'number' || (field.type !== 'number' && field.type !== 'integer')) return row;
  const log = field.step === 'log' && value > 0;
  const within = (next: number) => {
    const bounded = Math.min(field.maximum ?? Infinity, Math.max(field.minimum ?? -Infinity, next));
    return field.type === 'integer' ? Math.round(bounded) : Number(bounded.toPrecision(2));
  };
  const around = (log ? [value / 3, value, value * 3] : [value / 2, value, value === 0 ? 1 : value * 2]).map(within);
  const [low, , high] = log ? [value / 10, value, value * 10].map(within) : around;
  return { ...row, values: [...new Set(around)].join(', '), minimum: String(low), maximum: String(high), log };
}

/** The values of a choice or a switch; none of other fields. */
export function optionsOf(field: Field): readonly { value: string; title: string }[] {
  if (field.type === 'choice') return field.options;
  return field.type === 'boolean'
    ? [
        { value: 'true', title: 'On' },
        { value: 'false', title: 'Off' },
      ]
    : [];
}

/** Whether a field is drawn from a range, in a random search. */
export function isRanged(field: Field): field is Extract<Field, { type: 'number' | 'integer' }> {
  return field.type === 'number' || field.type === 'integer';
}

export function sweepOf(form: SweepForm, fields: Fields): FormOutcome {
  if (form.rows.length === 0) return { problem: 'Choose at least one setting.', row: null };
  const grid: Record<string, readonly unknown[]> = {};
  const space: Record<string, SweepSpace[string]> = {};
  for (const [index, row] of form.rows.entries()) {
    const field = fieldAt(fields, row.path);
    if (field === undefined) return { problem: `There is no setting "${row.path}".`, row: index };
    if (Object.hasOwn(grid, row.path) || Object.hasOwn(space, row.path)) {
      return { problem: 'This setting is there already.', row: index };
    }
    if (form.method !== 'grid' && isRanged(field)) {
      const range = rangeOf(row, field);
      if ('problem' in range) return { ...range, row: index };
      space[row.path] = range;
      continue;
    }
    const values = valuesOf(row, field);
    if (!Array.isArray(values)) return { problem: values.problem, row: index };
    grid[row.path] = values;
    space[row.path] = { kind: 'choice', values };
  }
  const { trials, seed, minimum, maximum, factor } = form;
  switch (form.method) {
    case 'grid':
      return { sweep: { method: 'grid', values: grid } };
    case 'random':
      return { sweep: { method: 'random', space, trials, seed } };
    case 'halving':
      return { sweep: { method: 'halving', space, trials, seed, minimum, maximum, factor } };
  }
}

function valuesOf(row: SweepRow, field: Field): unknown[] | { problem: string } {
  const texts = optionsOf(field).length > 0 ? row.chosen : split(row.values, field);
  if (texts.length === 0) return { problem: 'Give at least one value.' };
  const values: unknown[] = [];
  for (const text of texts) {
    const read = parseFieldText(field, text);
    if (!read.ok) return { problem: read.message };
    if (!values.some((value) => JSON.stringify(value) === JSON.stringify(read.value))) values.push(read.value);
  }
  return values;
}

/** A list is written in brackets, so that its commas are not those between values. */
function split(text: string, field: Field): string[] {
  const parts = field.type === 'numbers' ? (text.match(/\[[^\]]*\]/g) ?? [text]) : text.split(',');
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}

function rangeOf(
  row: SweepRow,
  field: Extract<Field, { type: 'number' | 'integer' }>,
): SweepSpace[string] | { problem: string } {
  const minimum = parseFieldText(field, row.minimum);
  const maximum = parseFieldText(field, row.maximum);
  if (!minimum.ok) return { problem: `From: ${minimum.message}` };
  if (!maximum.ok) return { problem: `To: ${maximum.message}` };
  const [from, to] = [Number(minimum.value), Number(maximum.value)];
  if (from >= to) return { problem: `The range must rise; found ${from} to ${to}.` };
  if (row.log && from <= 0) return { problem: 'A logarithmic range must begin above 0.' };
  return {
    kind: row.log ? 'log_uniform' : 'uniform',
    minimum: from,
    maximum: to,
    ...(field.type === 'integer' ? { integer: true } : {}),
  };
}

/** Not of abbreviations ('EMA') and names ('Adam'), which the schema writes so within a sentence, too. */
function lowerFirst(title: string): string {
  return /^[A-Z][a-z]/.test(title) ? title.charAt(0).toLowerCase() + title.slice(1) : title;
}
