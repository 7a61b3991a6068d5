// A sweep as a person writes it: `field=a,b,c` on the command line, a JSON document, a line of a form. Makes plain data of text and
// says what is wrong with it; which fields there are and what they allow is not known here.

import { TrainyardError } from '$lib/core/errors';
import { isObject } from '$lib/core/path';
import type { SweepSpace, SweepSpecification } from '$lib/storage/records';

/** Values with commas between them, each JSON where it is JSON: '0.1, 0.01', 'sgd,adamw', '[0.9,0.99],[0.9,0.999]'. */
export function parseValues(text: string): unknown[] {
  return splitOutside(text)
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      try {
        return JSON.parse(part) as unknown;
      } catch {
        return part;
      }
    });
}

/** `field=a,b,c` texts as a grid. Throws 'sweep-invalid'. */
export function parseGrid(settings: readonly string[]): SweepSpecification {
  const values: Record<string, unknown[]> = {};
  for (const text of settings) {
    const equals = text.indexOf('=');
    const path = text.slice(0, Math.max(0, equals)).trim();
    if (path === '') throw invalid(`"${text}" is not of the form path.to.field=a,b,c.`);
    values[path] = parseValues(text.slice(equals + 1));
  }
  return { method: 'grid', values };
}

/**
 * A sweep document: { "method": "grid" | "random" | "halving" | "folds", ... }, fields of the method as in SweepSpecification. In `space` a
 * list stands for a choice, and { "minimum", "maximum", "log", "integer" } for a range. Ranges are checked by trialsOf. Throws 'sweep-invalid'.
 */
export function parseSweep(document: unknown): SweepSpecification {
  if (!isObject(document)) throw invalid('A sweep must be a JSON object.');
  const { method } = document;
  switch (method) {
    case 'grid': {
      if (!isObject(document.values)) throw invalid('A grid needs "values": the values of each field, by its path.');
      const fields = Object.entries(document.values);
      return { method, values: Object.fromEntries(fields.map(([path, values]) => [path, listOf(path, values)])) };
    }
    case 'random':
      return {
        method,
        space: spaceOf(document.space),
        trials: numberOf(document, 'trials', 10),
        seed: numberOf(document, 'seed', 0),
      };
    case 'halving':
      return {
        method,
        space: spaceOf(document.space),
        trials: numberOf(document, 'trials', 9),
        seed: numberOf(document, 'seed', 0),
        minimum: numberOf(document, 'minimum', 1),
        maximum: numberOf(document, 'maximum', 9),
        factor: numberOf(document, 'factor', 3),
      };
    case 'folds':
      return { method, folds: numberOf(document, 'folds', 5) };
    default:
      throw invalid(`The method is ${JSON.stringify(method)}; use "grid", "random", "halving" or "folds".`);
  }
}

function spaceOf(space: unknown): SweepSpace {
  if (!isObject(space))
    throw invalid('A random search needs "space": a list of values or a range for each field, by its path.');
  return Object.fromEntries(Object.entries(space).map(([path, range]) => [path, rangeOf(path, range)]));
}

function rangeOf(path: string, range: unknown): SweepSpace[string] {
  if (Array.isArray(range)) return { kind: 'choice', values: range };
  if (!isObject(range)) throw invalid(`"${path}" needs a list of values, or an object with "minimum" and "maximum".`);
  if (range.kind === 'choice') return { kind: 'choice', values: listOf(path, range.values) };
  return {
    kind: range.log === true || range.kind === 'log_uniform' ? 'log_uniform' : 'uniform',
    minimum: numberOf(range, 'minimum'),
    maximum: numberOf(range, 'maximum'),
    ...(range.integer === true ? { integer: true } : {}),
  };
}

function listOf(path: string, values: unknown): readonly unknown[] {
  if (Array.isArray(values)) return values;
  throw invalid(`"${path}" needs a list of values, as in [0.1, 0.01].`);
}

function numberOf(of: Readonly<Record<string, unknown>>, name: string, otherwise?: number): number {
  const value = of[name] ?? otherwise;
  if (typeof value === 'number') return value;
  throw invalid(`"${name}" is ${JSON.stringify(value) ?? 'missing'}; it must be a number.`);
}

/** At commas that are in no bracket and no quotes. */
function splitOutside(text: string): string[] {
  const parts = [''];
  let depth = 0;
  let quoted = false;
  for (const character of text) {
    if (character === '"') quoted = !quoted;
    if (!quoted && '[{'.includes(character)) depth++;
    if (!quoted && ']}'.includes(character)) depth--;
    if (character === ',' && depth === 0 && !quoted) parts.push('');
    else parts[parts.length - 1] += character;
  }
  return parts;
}

function invalid(message: string): TrainyardError {
  return new TrainyardError('sweep-invalid', message, 'See docs/guide.md, "Sweeps".');
}
