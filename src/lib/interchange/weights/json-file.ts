// Reads JSON from files that anybody may have written: bounded, strict about doubled keys, and only plain data comes out.

import { isObject } from '$lib/core/path';
import { duplicateKey } from '../strict-json';
import { unreadable } from './unreadable';

export type JsonObject = Readonly<Record<string, unknown>>;

/** Far above a real one: a topology of a thousand layers takes 1 MB. A larger one would only take memory. */
export const MAX_JSON_BYTES = 32e6;

/** The object that `text` holds. `file` and `path` are for messages. Throws `weights-unreadable`. */
export function parseJsonObject(text: string, file: string, path: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw unreadable(file, `cannot be read: ${path} is no JSON`, undefined, error);
  }
  if (!isObject(value)) throw unreadable(file, `cannot be read: ${path} holds no JSON object`);
  const twice = duplicateKey(text);
  if (twice !== null) throw unreadable(file, `cannot be read: ${path} holds the key ${JSON.stringify(twice)} twice`);
  return value;
}

/** An own property, undefined where there is none. */
export function property(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
