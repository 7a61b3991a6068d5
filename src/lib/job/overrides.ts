// `path.to.field=value` from the command line, put into a job document before it is checked.

import { setPath } from '$lib/core/path';
import type { Field, Fields, Problem } from '$lib/core/schema';
import { didYouMean } from '$lib/core/suggest';
import { fieldAt, parseFieldText } from '$lib/core/validate';
import { TrainyardError } from '$lib/core/errors';
import { UNVERSIONED_PATHS, versionOf } from './migrate';
import { jobParts } from './parts';
import { jobFields, NULLABLE_TEXTS, type JobCatalog } from './schema';

export interface Override {
  path: string;
  text: string;
}

/** Short forms that are worth their exception. */
const SHORT: Readonly<Record<string, string>> = { data: 'data.path', model: 'model.name' };

/**
 * Reads `path=value` texts and puts those that name a field of the document's own older format into it; `current` are the others,
 * for {@link applyOverrides} after migration. Throws 'override-format'.
 */
export function readOverrides(
  document: unknown,
  overrides: readonly string[],
): { document: unknown; current: readonly Override[] } {
  const parsed = overrides.map(parseOverride);
  if (parsed.length === 0 || versionOf(document) > 0) return { document, current: parsed };
  const older = parsed.filter(({ path }) => Object.hasOwn(UNVERSIONED_PATHS, path));
  return {
    document: older.reduce<unknown>(
      (next, { path, text }) => setData(next, path, path.startsWith('data.') ? textValue(text) : looseValue(text)),
      document,
    ),
    current: parsed.filter((override) => !older.includes(override)),
  };
}

function parseOverride(argument: string): Override {
  const equals = argument.indexOf('=');
  if (equals < 1) {
    throw new TrainyardError(
      'override-format',
      `"${argument}" is not of the form path.to.field=value.`,
      'For example: training.epochs=5',
    );
  }
  const path = argument.slice(0, equals).trim();
  const text = argument.slice(equals + 1);
  const isShort = Object.hasOwn(SHORT, path) && !text.trimStart().startsWith('{');
  return { path: isShort ? SHORT[path] : path, text };
}

/** A document of the current version with the overrides in it; unknown paths and values that do not fit go to `problems`. */
export function applyOverrides(
  document: unknown,
  overrides: readonly Override[],
  catalog: JobCatalog,
  problems: Problem[],
): unknown {
  let next = document;
  // The model decides which fields `model.config` has, so its name comes first.
  for (const { path, text } of overrides.toSorted((a, b) => Number(deciding(b)) - Number(deciding(a)))) {
    const { task, model } = jobParts(next, catalog);
    const fields = jobFields(catalog, task, model);
    const field = fieldAt(fields, path);
    if (field === undefined) {
      problems.push({ path, message: `There is no field "${path}"; ${nearest(path, fields)}` });
      continue;
    }
    if (deciding({ path })) {
      // An unknown name is reported with its suggestion when the job is checked.
      next = setPath(next, path, text.trim());
      continue;
    }
    if (isNull(path, text)) {
      next = setData(next, path, null);
      continue;
    }
    const read = parseFieldText(field, unquoted(field, text));
    if (read.ok) next = setData(next, path, read.value);
    else problems.push({ path, message: read.message });
  }
  return next;
}

/** `model.weights=null` takes away what the file names. */
function isNull(path: string, text: string): boolean {
  return NULLABLE_TEXTS.some((nullable) => nullable === path) && ['', 'null'].includes(text.trim());
}

function deciding({ path }: { path: string }): boolean {
  return path === 'model.name' || path === 'task';
}

/** A name whose last part fits is a better guess than one that is spelt alike as a whole: 'lr' aside, people forget the group. */
function nearest(path: string, fields: Fields): string {
  const sameName = fieldNamed(path, fields);
  return sameName === undefined ? didYouMean(path, leafPaths(fields)) : `did you mean "${sameName}"?`;
}

/** A field whose own name is the last part of the path, wherever it is; of several the first that is no advanced one. */
export function fieldNamed(path: string, fields: Fields): string | undefined {
  const last = lastPart(path);
  const named = leafPaths(fields).filter((candidate) => lastPart(candidate) === last);
  return named.find((candidate) => fieldAt(fields, candidate)?.advanced !== true) ?? named.at(0);
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}

function leafPaths(fields: Fields, prefix = ''): string[] {
  return Object.entries(fields).flatMap(([name, field]) =>
    field.type === 'object' ? leafPaths(field.fields, `${prefix}${name}.`) : [`${prefix}${name}`],
  );
}

/** A data path given on the command line replaces the folders that the file names: the two exclude each other. */
function setData(document: unknown, path: string, value: unknown): unknown {
  const changed = setPath(document, path, value);
  if (path !== 'data.path') return changed;
  const folders = ['data.train_dir', 'data.val_dir', 'data.test_dir'];
  return folders.reduce((next, folder) => setPath(next, folder, null), changed);
}

/** `data.path="a b"`: quotes that reached us are the JSON way to write text. */
function unquoted(field: Field, text: string): string {
  return field.type === 'string' || field.type === 'choice' ? textValue(text) : text;
}

function textValue(text: string): string {
  const value = looseValue(text);
  return typeof value === 'string' ? value : text;
}

/** JSON where it is JSON, else the text itself. */
function looseValue(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
