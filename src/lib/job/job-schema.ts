// The published JSON Schema of a job file, for editors and for programs that write jobs. Made from the fields; static/job.schema.json
// holds it. What no single field can see (checks.ts) it cannot say.

import { documentSchema, fieldSchema, type JsonSchema } from '$lib/core/json-schema';
import { setPath } from '$lib/core/path';
import type { Fields } from '$lib/core/schema';
import { fieldAt } from '$lib/core/validate';
import { JOB_VERSION } from './job';
import { jobFields, NULLABLE_TEXTS, type JobCatalog } from './schema';

/** Of a job with any of the catalogue's tasks and models. Fields that depend on one of them are conditional on its name. */
export function jobJsonSchema(catalog: JobCatalog): JsonSchema {
  const [task] = catalog.tasks;
  const [model] = catalog.models;
  const fields = jobFields(catalog, task, model);
  const whole = documentSchema(fields, {
    title: `Trainyard job, version ${JOB_VERSION}`,
    description:
      'Settings of a training run. Every field may be left out; it then has its default, some of which follow the model and the data.',
  });
  const always: Readonly<Record<string, JsonSchema>> = {
    $schema: { type: 'string', description: 'Where this schema is, for editors.' },
    version: { const: JOB_VERSION, description: 'Version of the job format.' },
    loss: { type: 'object' },
    'model.config': { type: 'object' },
    'validation.metric': { type: 'string' },
    'preprocess.image_size': { type: 'integer' },
    ...Object.fromEntries(NULLABLE_TEXTS.map((path) => [path, nullableText(fields, path)])),
  };
  const open = Object.entries(always).reduce<unknown>(
    (schema, [path, part]) => setPath(schema, schemaPath(path), part),
    whole,
  );
  return {
    ...Object(open),
    allOf: [
      ...catalog.models.map((entry) => {
        const its = jobFields(catalog, task, entry);
        return onlyWhere('model.name', entry.meta.id, its, ['model.config', 'preprocess.image_size']);
      }),
      ...catalog.tasks.map((meta, at) => {
        const its = jobFields(catalog, meta, model);
        return onlyWhere('task', meta.id, its, ['loss', 'validation.metric'], at === 0);
      }),
    ],
  };
}

/** 'a.b' as the path of its schema: 'properties.a.properties.b'. */
function schemaPath(path: string): string {
  return path
    .split('.')
    .map((name) => `properties.${name}`)
    .join('.');
}

function nullableText(fields: Fields, path: string): JsonSchema {
  const field = fieldAt(fields, path);
  if (field === undefined) throw new Error(`a job has no field ${path}`);
  return { ...fieldSchema(field), type: ['string', 'null'], default: null };
}

/** The schemas of these fields, in force where `path` is `value`; and, `byDefault`, where nothing is said. */
function onlyWhere(
  path: string,
  value: string,
  fields: Fields,
  parts: readonly string[],
  byDefault = false,
): JsonSchema {
  const names = path.split('.');
  const required = names.reduceRight<unknown>(
    (inner, name) => ({ required: [name], ...(inner === null ? {} : { properties: { [name]: inner } }) }),
    null,
  );
  const given: unknown = setPath({}, schemaPath(path), { const: value });
  const then = parts.reduce<unknown>((schema, part) => {
    const field = fieldAt(fields, part);
    if (field === undefined) throw new Error(`a job has no field ${part}`);
    return setPath(schema, schemaPath(part), fieldSchema(field));
  }, {});
  return { if: byDefault ? given : { allOf: [given, required] }, then };
}
