// Turns unknown JSON into typed data, or says where it is not what it should be. Small functions that are put together.

import { TrainyardError } from '$lib/core/errors';
import { isObject, joinPath } from '$lib/core/path';

/** Returns the value as T, or throws `bundle-invalid` that names the path. */
export type Decoder<T> = (value: unknown, path: string) => T;

function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

export function invalid(path: string, value: unknown, expected: string): TrainyardError {
  return new TrainyardError(
    'bundle-invalid',
    `The bundle's model.json is not valid: "${path}" is ${shown(value)}; it must be ${expected}.`,
    'Export the model again.',
  );
}

export const text: Decoder<string> = (value, path) => {
  if (typeof value === 'string') return value;
  throw invalid(path, value, 'a text');
};

export const boolean: Decoder<boolean> = (value, path) => {
  if (typeof value === 'boolean') return value;
  throw invalid(path, value, 'true or false');
};

export const number: Decoder<number> = (value, path) => {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw invalid(path, value, 'a number');
};

/** A whole number from `low` on; the upper bound keeps products of a few of them exact. */
export function integer(low: number): Decoder<number> {
  return (value, path) => {
    if (Number.isInteger(value) && Number(value) >= low && Number(value) <= 1e9) return Number(value);
    throw invalid(path, value, `a whole number of at least ${low}`);
  };
}

export function oneOf<const T extends string | number>(...values: readonly T[]): Decoder<T> {
  return (value, path) => {
    const found = values.find((candidate) => candidate === value);
    if (found !== undefined) return found;
    throw invalid(path, value, `one of ${values.map((candidate) => JSON.stringify(candidate)).join(', ')}`);
  };
}

export function nullable<T>(decode: Decoder<T>): Decoder<T | null> {
  return (value, path) => (value === null ? null : decode(value, path));
}

export function list<T>(decode: Decoder<T>): Decoder<T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw invalid(path, value, 'a list');
    return value.map((item: unknown, index) => decode(item, joinPath(path, index)));
  };
}

export function pair<T>(decode: Decoder<T>): Decoder<readonly [T, T]> {
  return (value, path) => {
    const [first, second, ...rest] = list(decode)(value, path);
    if (second === undefined || rest.length > 0) throw invalid(path, value, 'a list of two');
    return [first, second];
  };
}

export function triple<T>(decode: Decoder<T>): Decoder<readonly [T, T, T]> {
  return (value, path) => {
    const [first, second, third, ...rest] = list(decode)(value, path);
    if (third === undefined || rest.length > 0) throw invalid(path, value, 'a list of three');
    return [first, second, third];
  };
}

/** Any keys, values of one kind. */
export function dictionary<T>(decode: Decoder<T>): Decoder<Readonly<Record<string, T>>> {
  return (value, path) => {
    if (!isObject(value)) throw invalid(path, value, 'an object');
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, decode(item, joinPath(path, key))]));
  };
}

/** Anything that JSON holds. */
export const anything: Decoder<unknown> = (value) => value;

/** Fields by name; others are left out. A decoder that takes undefined makes its field optional. */
export function object<T extends object>(fields: { [Key in keyof T]-?: Decoder<T[Key]> }): Decoder<T> {
  return (value, path) => {
    if (!isObject(value)) throw invalid(path, value, 'an object');
    const result: Partial<T> = {};
    for (const key in fields) {
      const found = fields[key](Object.hasOwn(value, key) ? value[key] : undefined, joinPath(path, key));
      if (found !== undefined) result[key] = found;
    }
    // Every key of T has been decoded above.
    return result as T;
  };
}

export function optional<T>(decode: Decoder<T>): Decoder<T | undefined> {
  return (value, path) => (value === undefined ? undefined : decode(value, path));
}

/** What was not yet written in older documents. */
export function otherwise<T>(decode: Decoder<T>, absent: T): Decoder<T> {
  return (value, path) => (value === undefined ? absent : decode(value, path));
}
