// Derives defaults, checks and the reading of typed text from a schema (schema.ts). Finds every problem at once, changes nothing.

import type { Field, Fields, Problem } from './schema';
import { isObject, joinPath } from './path';
import { didYouMean } from './suggest';

/** The type of a field's value, as precise as the field's own type is (declare fields `as const satisfies Fields`). */
export type ValueOf<F extends Field> = F extends { type: 'number' | 'integer' }
  ? number
  : F extends { type: 'boolean' }
    ? boolean
    : F extends { type: 'choice'; options: readonly { value: infer V extends string }[] }
      ? V
      : F extends { type: 'string' }
        ? string
        : F extends { type: 'optional-integer' }
          ? number | null
          : F extends { type: 'numbers'; length: 2 }
            ? readonly [number, number]
            : F extends { type: 'numbers'; length: 3 }
              ? readonly [number, number, number]
              : F extends { type: 'numbers' }
                ? readonly number[]
                : F extends { type: 'object'; fields: infer S extends Fields }
                  ? ValuesOf<S>
                  : never;

/** The type of an object that has these fields. */
export type ValuesOf<F extends Fields> = { readonly [K in keyof F]: ValueOf<F[K]> };

export interface Validated<F extends Fields> {
  /** Complete: what was missing or wrong has its default. Of use only where `problems` is empty. */
  value: ValuesOf<F>;
  problems: Problem[];
}

function defaultOf(field: Field): unknown {
  return field.type === 'object' ? defaultsOf(field.fields) : field.default;
}

/** Every field at its default. */
export function defaultsOf<F extends Fields>(fields: F): ValuesOf<F> {
  const values = Object.entries(fields).map(([name, field]) => [name, defaultOf(field)]);
  return Object.fromEntries(values) as ValuesOf<F>; // Built key by key from F, which the type system cannot follow.
}

/** All that is wrong with a value, and the value with its defaults filled in. Paths of the problems start with `path`. */
export function validate<F extends Fields>(fields: F, value: unknown, path = ''): Validated<F> {
  const problems: Problem[] = [];
  const values = checkObject(fields, value, path, path === '' ? 'The settings' : `"${path}"`, problems);
  return { value: values as ValuesOf<F>, problems }; // As in defaultsOf.
}

/** The problems of one field's value; the live validation of a form. */
export function validateField(field: Field, value: unknown, path: string): Problem[] {
  const problems: Problem[] = [];
  checkField(field, value, path, problems);
  return problems;
}

/** Whether a form shows the field, given the values of the object that it is in. */
export function isVisible(field: Field, siblings: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(field.visibleWhen ?? {}).every(([name, allowed]) => {
    const value = siblings[name];
    if ('above' in allowed) return typeof value === 'number' && value > allowed.above;
    return allowed.some((wanted) => wanted === value);
  });
}

/** The field at a dotted path, or undefined. */
export function fieldAt(fields: Fields, path: string): Field | undefined {
  const [name, ...rest] = path.split('.');
  const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (rest.length === 0 || field === undefined) return field;
  return field.type === 'object' ? fieldAt(field.fields, rest.join('.')) : undefined;
}

function checkObject(fields: Fields, value: unknown, path: string, what: string, problems: Problem[]) {
  if (value !== undefined && !isObject(value)) {
    // "adamw" where {"name": "adamw"} belongs is the likeliest slip of a person who writes by hand.
    const instead =
      typeof value === 'string' && fields.name?.type === 'choice' ? ` Write {"name": ${show(value)}}.` : '';
    problems.push({ path, message: `${what} must be an object with named fields; found ${show(value)}.${instead}` });
    return defaultsOf(fields);
  }
  const given = value ?? {};
  const names = Object.keys(fields);
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(fields, name)) continue;
    problems.push({ path: joinPath(path, name), message: `There is no field "${name}"; ${didYouMean(name, names)}` });
  }
  const values = names.map((name) => {
    const found = Object.hasOwn(given, name) ? given[name] : undefined;
    return [name, checkField(fields[name], found, joinPath(path, name), problems)];
  });
  return Object.fromEntries(values) as Readonly<Record<string, unknown>>; // fromEntries returns any.
}

/** Returns the value to use: the one given, or the default where it is missing or wrong. */
function checkField(field: Field, value: unknown, path: string, problems: Problem[]): unknown {
  if (field.type === 'object') return checkObject(field.fields, value, path, field.title, problems);
  if (value === undefined) return field.default;
  const wrong = complaint(field, value);
  if (wrong === null) return value;
  problems.push({ path, message: wrong });
  return field.default;
}

interface Range {
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: boolean;
  exclusiveMaximum?: boolean;
}

/** 'above 0 and at most 1', '' where anything goes. */
export function describeRange(range: Range): string {
  const parts: string[] = [];
  if (range.minimum !== undefined) parts.push(`${range.exclusiveMinimum ? 'above' : 'at least'} ${range.minimum}`);
  if (range.maximum !== undefined) parts.push(`${range.exclusiveMaximum ? 'below' : 'at most'} ${range.maximum}`);
  return parts.join(' and ');
}

function inRange(value: number, range: Range): boolean {
  const { minimum = -Infinity, maximum = Infinity } = range;
  if (range.exclusiveMinimum ? value <= minimum : value < minimum) return false;
  return !(range.exclusiveMaximum ? value >= maximum : value > maximum);
}

function isMultiple(value: number, of: number): boolean {
  const times = value / of;
  // 0.3 / 0.1 is 2.9999999999999996: decimal steps are not exact in binary.
  return Math.abs(times - Math.round(times)) <= 1e-9 * Math.max(1, Math.abs(times));
}

function numberComplaint(title: string, kind: string, value: unknown, range: Range, whole: boolean): string | null {
  const allowed = describeRange(range);
  const ending = allowed === '' ? '' : `, ${allowed}`;
  if (typeof value !== 'number' || !Number.isFinite(value) || (whole && !Number.isInteger(value)))
    return `${title} must be ${kind}${ending}; found ${show(value)}.`;
  return inRange(value, range) ? null : `${title} must be ${allowed}; found ${show(value)}.`;
}

/** What is wrong with a value, as one sentence, or null. */
function complaint(field: Exclude<Field, { type: 'object' }>, value: unknown): string | null {
  const { title } = field;
  switch (field.type) {
    case 'number':
    case 'integer': {
      const whole = field.type === 'integer';
      const wrong = numberComplaint(title, whole ? 'a whole number' : 'a number', value, field, whole);
      if (wrong !== null || field.multipleOf === undefined || isMultiple(Number(value), field.multipleOf)) return wrong;
      return `${title} must be a multiple of ${field.multipleOf}; found ${show(value)}.`;
    }
    case 'optional-integer':
      if (value === null) return null;
      return numberComplaint(title, `a whole number or null (${field.nullTitle})`, value, field, true);
    case 'boolean':
      return typeof value === 'boolean' ? null : `${title} must be true or false; found ${show(value)}.`;
    case 'string':
      return typeof value === 'string' ? null : `${title} must be text; found ${show(value)}.`;
    case 'choice': {
      const values = field.options.map((option) => option.value);
      if (typeof value === 'string' && values.includes(value)) return null;
      const names = values.map((name) => (name === '' ? '""' : name));
      if (typeof value !== 'string') return `${title} must be one of ${names.join(', ')}; found ${show(value)}.`;
      return `${title} has no option ${show(value)}; ${didYouMean(value, names)}`;
    }
    case 'numbers': {
      const { length } = field;
      const shape = length === undefined ? 'a list of numbers' : `a list of ${length} numbers`;
      if (!Array.isArray(value) || (length !== undefined && value.length !== length))
        return `${title} must be ${shape}; found ${show(value)}.`;
      const items: readonly unknown[] = value;
      for (const item of items) {
        const wrong = numberComplaint(`Each number of ${title}`, 'a number', item, field, false);
        if (wrong !== null) return wrong;
      }
      return null;
    }
    default:
      return field satisfies never;
  }
}

/** A value as a message quotes it: short, and its kind visible ("64" is text, 64 a number). */
function show(value: unknown): string {
  if (typeof value === 'number') return String(value);
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

export type ParsedText = { ok: true; value: unknown } | { ok: false; message: string };

const TRUE = ['true', 'yes', 'on', '1'];
const FALSE = ['false', 'no', 'off', '0'];

/**
 * What a person typed for a field (form, `path=value` on the command line), read and checked. Numbers as in JSON or '1e-3',
 * lists as '0.9, 0.999' or '[0.9, 0.999]', null as '', 'null' or 'none', objects as JSON.
 */
export function parseFieldText(field: Field, text: string): ParsedText {
  const value = readText(field, text.trim(), text);
  const [problem] = validateField(field, value, '');
  return problem === undefined ? { ok: true, value } : { ok: false, message: problem.message };
}

function readText(field: Field, text: string, exact: string): unknown {
  switch (field.type) {
    case 'number':
    case 'integer':
      return readNumber(text);
    case 'optional-integer':
      return ['', 'null', 'none'].includes(text.toLowerCase()) ? null : readNumber(text);
    case 'boolean':
      if (TRUE.includes(text.toLowerCase())) return true;
      return FALSE.includes(text.toLowerCase()) ? false : text;
    case 'choice': {
      const option = field.options.find(({ value }) => value.toLowerCase() === text.toLowerCase());
      return option?.value ?? text;
    }
    case 'string':
      return exact;
    case 'numbers': {
      const inside = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
      return inside.trim() === '' ? [] : inside.split(',').map((part) => readNumber(part.trim()));
    }
    case 'object':
      try {
        return JSON.parse(text) as unknown;
      } catch {
        return text; // Not JSON: validation names it as text that should be an object.
      }
    default:
      return field satisfies never;
  }
}

/** A number, or the text itself where it is none: the complaint then quotes what was typed. */
function readNumber(text: string): number | string {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : text;
}
