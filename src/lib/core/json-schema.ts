// The JSON Schema (2020-12) of settings, for editors and for people who write job files by hand. Derived, never written.

import type { Field, Fields } from './schema';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** The schema of one object with these fields. Every field may be left out: it then has its default. */
export function objectSchema(fields: Fields): JsonSchema {
  return {
    type: 'object',
    properties: Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, fieldSchema(field)])),
    additionalProperties: false,
  };
}

/** A whole document: {@link objectSchema} with the dialect, a title and what it describes. */
export function documentSchema(fields: Fields, about: { title: string; description: string }): JsonSchema {
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', ...about, ...objectSchema(fields) };
}

export function fieldSchema(field: Field): JsonSchema {
  const about = { title: field.title, description: field.help };
  switch (field.type) {
    case 'number':
    case 'integer':
      return { ...about, type: field.type, default: field.default, ...range(field), ...multiple(field.multipleOf) };
    case 'optional-integer':
      return { ...about, type: ['integer', 'null'], default: field.default, ...range(field) };
    case 'boolean':
    case 'string':
      return { ...about, type: field.type, default: field.default };
    case 'choice': {
      const options = field.options.map(({ value, title, help }) => ({
        const: value,
        title,
        ...(help === undefined ? {} : { description: help }),
      }));
      return { ...about, type: 'string', default: field.default, oneOf: options };
    }
    case 'numbers': {
      const { length } = field;
      const size = length === undefined ? {} : { minItems: length, maxItems: length };
      return { ...about, type: 'array', default: field.default, items: { type: 'number', ...range(field) }, ...size };
    }
    case 'object':
      return { ...about, ...objectSchema(field.fields) };
    default:
      return field satisfies never;
  }
}

function multiple(of: number | undefined): JsonSchema {
  return of === undefined ? {} : { multipleOf: of };
}

function range(field: {
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: boolean;
  exclusiveMaximum?: boolean;
}): JsonSchema {
  const { minimum, maximum } = field;
  return {
    ...(minimum === undefined ? {} : { [field.exclusiveMinimum ? 'exclusiveMinimum' : 'minimum']: minimum }),
    ...(maximum === undefined ? {} : { [field.exclusiveMaximum ? 'exclusiveMaximum' : 'maximum']: maximum }),
  };
}
