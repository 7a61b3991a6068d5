// From a job document (a file, a form, an older version) to a complete, checked job, or to all that is wrong with it.

import { TrainyardError } from '$lib/core/errors';
import { getPath, isObject, setPath } from '$lib/core/path';
import type { Field, Fields, Problem } from '$lib/core/schema';
import { fieldAt, validate, validateField } from '$lib/core/validate';
import type { ModelEntry } from '$lib/models/contract';
import { crossChecks, remarks } from './checks';
import { TRAINING } from './fields/training';
import { JOB_VERSION, type Job } from './job';
import { migrate } from './migrate';
import { applyOverrides, fieldNamed, readOverrides } from './overrides';
import { jobParts } from './parts';
import {
  defaultBatchSize,
  defaultFalls,
  defaultImageSize,
  defaultLearningRate,
  defaultShift,
  defaultStageRate,
  defaultWeightDecay,
  type JobData,
  type Learns,
} from './resolve';
import { jobFields, NULLABLE_TEXTS, type JobCatalog } from './schema';

export interface JobContext extends JobCatalog {
  /** Where it is known, defaults follow it and the expected number of classes is checked. */
  data?: JobData;
  /** `path.to.field=value`, in the document's own (older) format or in the current one. */
  overrides?: readonly string[];
}

export interface CheckedJob {
  /** Complete. Of use only where `problems` is empty. */
  job: Job;
  problems: Problem[];
  /** Sentences for the person: what was read differently from what the document may have meant. */
  notices: string[];
}

/** The complete job, or one error that names every problem by its path. */
export function parseJob(document: unknown, context: JobContext): { job: Job; notices: string[] } {
  const { job, problems, notices } = checkJob(document, context);
  if (problems.length > 0) throw invalidJob(problems);
  return { job, notices };
}

/** 'job file: optimizer.learning_rate: Learning rate must be above 0; found -1.' */
function invalidJob(problems: readonly Problem[]): TrainyardError {
  const list = problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join(' ');
  const hint = problems.length === 1 ? 'Correct this field.' : `Correct these ${problems.length} fields.`;
  return new TrainyardError('job-invalid', `job file: ${list}`, hint);
}

/** As {@link parseJob}, with the problems as data for a form. Throws only for what is no job document at all. */
export function checkJob(document: unknown, context: JobContext): CheckedJob {
  const overrides = readOverrides(document, context.overrides ?? []);
  const { document: migrated, from, notices, problems, classes } = migrate(overrides.document);
  const current = applyOverrides(migrated, overrides.current, context, problems);
  const { task, model } = jobParts(current, context, problems);
  const fields = jobFields(context, task, model);
  const named = replace(replace(current, 'task', task.id), 'model.name', model.meta.id);
  const filled = fillDefaults(nullsAsText(named), model, context.data, notices);
  const { value, problems: found } = validate(fields, filled);
  const job = textsAsNull(value);
  problems.push(...found.map((problem) => elsewhere(problem, fields)));
  const about = { task, model, data: context.data, older: from < JOB_VERSION };
  problems.push(...crossChecks(job, about, problems));
  if (problems.length === 0) notices.push(...remarks(job, about));
  if (classes !== null && context.data !== undefined && classes !== context.data.classes) {
    const message = `The number of classes comes from the data, which has ${context.data.classes}; found ${classes}.`;
    problems.push({ path: 'parameters.num_classes', message });
  }
  return { job, problems, notices };
}

/** The job of an empty document: what a form starts from. */
export function defaultJob(context: JobContext, task?: string, model?: string): Job {
  const document = {
    version: JOB_VERSION,
    ...(task === undefined ? {} : { task }),
    ...(model === undefined ? {} : { model: { name: model } }),
  };
  return parseJob(document, context).job;
}

/** A field that exists in another section is what was meant: 'epochs' is 'training.epochs'. */
function elsewhere(problem: Problem, fields: Fields): Problem {
  if (fieldAt(fields, problem.path) !== undefined || problem.message.includes('did you mean')) return problem;
  const meant = fieldNamed(problem.path, fields);
  if (meant === undefined) return problem;
  return { path: problem.path, message: `There is no field "${problem.path}"; did you mean "${meant}"?` };
}

/** Sets a value unless something that cannot hold it stands in the way (validation then names that). */
function replace(document: unknown, path: string, value: unknown): unknown {
  const parents = path.split('.').slice(0, -1);
  const blocked = parents.some((_, depth) => {
    const parent = getPath(document, parents.slice(0, depth + 1).join('.'));
    return parent !== undefined && !isObject(parent);
  });
  return blocked ? document : setPath(document, path, value);
}

function fillDefaults(document: unknown, model: ModelEntry, data: JobData | undefined, notices: string[]): unknown {
  const { meta } = model;
  let filled = document;
  const fill = (path: string, value: unknown): unknown => {
    const present = getPath(filled, path);
    if (present !== undefined) return present;
    filled = replace(filled, path, value);
    return value;
  };
  const optimizer = getPath(document, 'optimizer.name');
  const given = getPath(document, 'model.weights');
  const weights = typeof given === 'string' && given !== '' ? given : null;
  let learns: Learns = 'everything';
  if (weights !== null) {
    fill('preprocess.normalize', 'weights');
    // The quickest answer comes first; the form and the docs say how to go on from there.
    learns = fill('fine_tune.train', 'head') === 'head' ? 'head' : 'pretrained';
  }
  const imageSize = fill('preprocess.image_size', defaultImageSize(meta, data, weights));
  const usualBatch = defaultBatchSize(meta, data);
  const batch = fill('training.batch_size', usualBatch);
  const batchSize = fits(TRAINING.fields.batch_size, batch) ? batch : usualBatch;
  fill('optimizer.learning_rate', defaultLearningRate(meta, optimizer, batchSize, learns));
  fill('optimizer.weight_decay', defaultWeightDecay(optimizer, learns));
  if (optimizer === 'rmsprop') {
    // Tuned without momentum, PyTorch's default.
    fill('optimizer.momentum', 0);
  }
  const epochs = getPath(filled, 'training.epochs') ?? TRAINING.fields.epochs.default;
  const falls = fits(TRAINING.fields.epochs, epochs) ? defaultFalls(epochs) : {};
  for (const [path, value] of Object.entries(falls)) fill(path, value);
  if (learns === 'pretrained') fill('fine_tune.stage_rate', defaultStageRate(learns));
  if (getPath(filled, 'augment.shift') === undefined && Number.isInteger(imageSize)) {
    fill('augment.shift', Math.min(256, defaultShift(Number(imageSize))));
  }
  if (data?.grey === true && getPath(filled, 'augment.horizontal_flip') === undefined) {
    fill('augment.horizontal_flip', 0);
    notices.push(
      'The images are grey, as digits and scans are, so they are not mirrored; set augment.horizontal_flip to change it.',
    );
  }
  return filled;
}

/** What a field refuses is reported; what follows from it must not be wrong as well. */
function fits(field: Field, value: unknown): value is number {
  return typeof value === 'number' && validateField(field, value, '').length === 0;
}

function nullsAsText(document: unknown): unknown {
  const nulls = NULLABLE_TEXTS.filter((name) => getPath(document, name) === null);
  return nulls.reduce((changed, name) => setPath(changed, name, ''), document);
}

function textsAsNull(value: unknown): Job {
  const empty = NULLABLE_TEXTS.filter((name) => getPath(value, name) === '');
  // validate() has just built every field of it from jobFields; the plugins' parts are open in the type.
  return empty.reduce((changed, name) => setPath(changed, name, null), value) as Job;
}
