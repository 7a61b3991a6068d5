// static/job.schema.json is made from the fields of a job; this keeps the two equal. UPDATE_DOCS=1 writes it. The schema is also held
// against jobs: what the program accepts it must accept, and what a field refuses it must refuse.
import { readFileSync, writeFileSync } from 'node:fs';
import Ajv from 'ajv';
import { format } from 'prettier';
import { describe, expect, it } from 'vitest';
import { jobJsonSchema } from '$lib/job/job-schema';
import { checkJob, defaultJob } from '$lib/job/parse';
import { JOB_PRESETS } from '$lib/job/schema';
import { isObject, setPath } from '$lib/core/path';
import { MODELS } from '$lib/models/registry';
import { TASKS } from '$lib/tasks/catalog';

const PATH = new URL('../../../static/job.schema.json', import.meta.url);
const catalog = { models: MODELS, tasks: TASKS };

describe('static/job.schema.json', () => {
  it('is what the fields say', async () => {
    const expected = await format(JSON.stringify(jobJsonSchema(catalog)), { parser: 'json', printWidth: 120 });
    if (process.env.UPDATE_DOCS === '1') writeFileSync(PATH, expected);
    else expect(readFileSync(PATH, 'utf8')).toBe(expected);
  });

  it('says which dialect it is in', () => {
    expect(published()).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object' });
  });

  it.each(MODELS.map(({ meta }) => meta.id))('accepts the complete job of %s', (model) => {
    expect(refusals(defaultJob(catalog, undefined, model))).toEqual([]);
  });

  it.each(TASKS.map(({ id }) => id))('accepts the complete job of the task %s', (task) => {
    expect(refusals(defaultJob(catalog, task))).toEqual([]);
  });

  it.each(JOB_PRESETS.map(({ id, values }) => [id, values] as const))('accepts the preset %s', (_, values) => {
    const job = Object.entries(values).reduce<unknown>((next, [path, value]) => setPath(next, path, value), {});
    expect(refusals(job)).toEqual([]);
  });

  it.each<object>([
    {},
    { $schema: './job.schema.json', version: 2, model: { name: 'tiny-cnn' } },
    { model: { name: 'resnet18', weights: null }, optimizer: { betas: [0.8, 0.99] } },
    { scheduler: { name: 'multi_step', milestones: [10, 20] }, augment: { scale: [0.8, 1.2] } },
    { task: 'multi_label', loss: { name: 'binary_cross_entropy' } },
    { model: { name: 'imported', weights: 'net.onnx', config: {} } },
  ])('accepts %j, as the program does', (job) => {
    expect(refusals(job)).toEqual([]);
    expect(checkJob(job, catalog).problems).toEqual([]);
  });

  it.each<[document: object, path: string]>([
    [{ version: 3 }, '.version'],
    [{ epochs: 3 }, ''],
    [{ training: { epochs: 0 } }, '.training.epochs'],
    [{ training: { epochs: '3' } }, '.training.epochs'],
    [{ optimizer: { name: 'lion' } }, '.optimizer.name'],
    [{ optimizer: { learning_rate: 0 } }, '.optimizer.learning_rate'],
    [{ optimizer: { betas: [0.9] } }, '.optimizer.betas'],
    [{ augment: { policy: { magnitude: 31 } } }, '.augment.policy.magnitude'],
    [{ data: { path: 5 } }, '.data.path'],
    [{ loss: { label_smoothing: 1 } }, '.loss.label_smoothing'],
    [{ loss: { smoothing: 0.1 } }, '.loss'],
    [{ validation: { metric: 'f1' } }, '.validation.metric'],
    [{ model: { name: 'resnet81' } }, '.model.name'],
    [{ model: { name: 'tiny-cnn', config: { width: 0 } } }, '.model.config.width'],
    [{ model: { name: 'tiny-cnn', config: { depth: 3 } } }, '.model.config'],
    [{ model: { name: 'tiny-cnn' }, preprocess: { image_size: 4 } }, '.preprocess.image_size'],
  ])('refuses %j where it is wrong', (document, path) => {
    expect(refusals(document)).toContain(path);
  });
});

function published(): Readonly<Record<string, unknown>> {
  const schema: unknown = JSON.parse(readFileSync(PATH, 'utf8'));
  if (!isObject(schema)) throw new Error('job.schema.json is no object');
  return schema;
}

let compiled: Ajv.ValidateFunction | undefined;

function compile(): Ajv.ValidateFunction {
  // The validator that comes with the linter knows draft 7. The keywords that the schema uses mean the same there.
  const { $schema, ...schema } = published();
  expect($schema).toContain('2020-12');
  return new Ajv({ allErrors: true }).compile(schema);
}

/** Paths at which the published schema refuses the document. */
function refusals(document: unknown): string[] {
  const validate = (compiled ??= compile());
  validate(document);
  return (validate.errors ?? []).map(({ dataPath }) => dataPath);
}
