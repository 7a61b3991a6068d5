// Brings a job document of any age to the current version. Reads and renames; whether the values make sense is parse.ts's affair.

import { TrainyardError } from '$lib/core/errors';
import { getPath, isObject, setPath } from '$lib/core/path';
import type { Problem } from '$lib/core/schema';
import { didYouMean } from '$lib/core/suggest';
import { ignoredIn1, withAddedIn2 } from './additions';
import { JOB_VERSION } from './job';

export interface Migrated {
  /** Of the current version, not checked yet. */
  document: unknown;
  /** Version that was found; 0 is the format of before there were versions. */
  from: number;
  /** What was understood but is not done, or done differently. */
  notices: string[];
  /** What has no meaning in that version. */
  problems: Problem[];
  /** Number of classes that the document expects the data to have; null where it says nothing. */
  classes: number | null;
}

interface Step {
  document: unknown;
  notices: string[];
  problems: Problem[];
  classes?: number | null;
}

/** `MIGRATIONS[n]` makes version n + 1 of version n. */
const MIGRATIONS: readonly ((document: unknown) => Step)[] = [fromUnversioned, fromVersion1];

/** Throws for a document that is no object, or of a version that this program does not know. */
export function migrate(document: unknown): Migrated {
  const from = versionOf(document);
  const migrated: Migrated = { document: withoutEditorKeys(document), from, notices: [], problems: [], classes: null };
  for (const step of MIGRATIONS.slice(from)) {
    const next = step(migrated.document);
    migrated.document = next.document;
    migrated.notices.push(...next.notices);
    migrated.problems.push(...next.problems);
    migrated.classes = next.classes ?? migrated.classes;
  }
  return migrated;
}

/** `$schema` tells editors where the published schema is; it says nothing about the run. */
function withoutEditorKeys(document: unknown): unknown {
  if (!isObject(document)) return document;
  return Object.fromEntries(Object.entries(document).filter(([key]) => key !== '$schema'));
}

/** 0 for the unversioned format, which its own keys tell; a document with neither is taken as current. */
export function versionOf(document: unknown): number {
  if (!isObject(document)) {
    throw new TrainyardError(
      'job-not-object',
      'job file: it is not a JSON object with named fields.',
      'Start from {"model": {"name": "tiny-cnn"}}, or save a job from the Train page.',
    );
  }
  const { version } = document;
  if (version === undefined) return UNVERSIONED_KEYS.some((key) => Object.hasOwn(document, key)) ? 0 : JOB_VERSION;
  if (typeof version !== 'number' || !Number.isInteger(version) || version < 1) {
    throw new TrainyardError(
      'job-version',
      `job file: version is ${JSON.stringify(version)}; it must be a whole number from 1 to ${JOB_VERSION}.`,
      `Write "version": ${JOB_VERSION}.`,
    );
  }
  if (version > JOB_VERSION) {
    throw new TrainyardError(
      'job-version',
      `job file: version is ${version}; this program reads up to version ${JOB_VERSION}.`,
      'Update Trainyard, or use the program that wrote the file.',
    );
  }
  return version;
}

/** The keys that only the unversioned format has. */
const UNVERSIONED_KEYS = ['model_type', 'model_name', 'parameters', 'optimization'];

/** Where each field of the unversioned format went; null: handled below by itself. */
export const UNVERSIONED_PATHS: Readonly<Record<string, string | null>> = {
  model_type: null,
  model_name: 'model.name',
  'parameters.num_classes': null,
  'parameters.batch_size': 'training.batch_size',
  'parameters.learning_rate': 'optimizer.learning_rate',
  'parameters.epochs': 'training.epochs',
  'parameters.optimizer': 'optimizer.name',
  'parameters.momentum': 'optimizer.momentum',
  'parameters.weight_decay': 'optimizer.weight_decay',
  'parameters.image_size': 'preprocess.image_size',
  'parameters.label_smoothing': 'loss.label_smoothing',
  'parameters.seed': 'seed',
  'data.path': 'data.path',
  'data.train_dir': 'data.train_dir',
  'data.val_dir': 'data.val_dir',
  'data.test_dir': 'data.test_dir',
  'optimization.mixed_precision': null,
  'optimization.xla': null,
};

const MODEL_TYPES = ['tensorflow', 'pytorch'];

function fromUnversioned(document: unknown): Step {
  const notices: string[] = [];
  const problems: Problem[] = [];
  let next: unknown = { version: 1 };
  let classes: number | null = null;

  for (const { path, value } of leaves(document)) {
    const target = UNVERSIONED_PATHS[path];
    if (typeof target === 'string') next = setPath(next, target, value);
    else if (target === undefined) {
      const known = didYouMean(path, Object.keys(UNVERSIONED_PATHS));
      problems.push({ path, message: `There is no field "${path}"; ${known}` });
    }
  }

  const type = getPath(document, 'model_type');
  if (type !== undefined && !(typeof type === 'string' && MODEL_TYPES.includes(type))) {
    const message = `The model type must be one of ${MODEL_TYPES.join(', ')}; found ${JSON.stringify(type)}.`;
    problems.push({ path: 'model_type', message });
  }

  const count = getPath(document, 'parameters.num_classes');
  if (typeof count === 'number' && Number.isInteger(count) && count > 0) classes = count;
  else if (count !== undefined) {
    const message = `The number of classes must be a whole number above 0; found ${JSON.stringify(count)}.`;
    problems.push({ path: 'parameters.num_classes', message });
  }

  for (const [key, message] of Object.entries(NOT_HONOURED)) {
    const path = `optimization.${key}`;
    const wanted = getPath(document, path);
    if (wanted === true) notices.push(message);
    else if (wanted !== undefined && wanted !== false) {
      problems.push({ path, message: `It must be true or false; found ${JSON.stringify(wanted)}.` });
    }
  }
  return { document: next, notices, problems, classes };
}

/** Version 2 only added fields: what is absent does what version 1 did, whatever the defaults of new jobs are. */
function fromVersion1(document: unknown): Step {
  const notices = ignoredIn1(document).map(
    (path) =>
      `${path} had no effect with this schedule in version 1 of the job file; it is 0 now, so that the job runs as it did.`,
  );
  return { document: withAddedIn2(document), notices, problems: [] };
}

const NOT_HONOURED = {
  mixed_precision: 'optimization.mixed_precision is true; 16-bit training is not available yet, 32 bits are used.',
  xla: 'optimization.xla is true; the compiled engine is not available yet, TensorFlow.js is used.',
};

/** Every value that is not an object, with its dotted path. An empty object has none. */
function leaves(value: unknown, path = ''): { path: string; value: unknown }[] {
  if (!isObject(value)) return [{ path, value }];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, path === '' ? key : `${path}.${key}`));
}
