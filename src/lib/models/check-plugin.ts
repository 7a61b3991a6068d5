// Holds a plugin's data to the contract: a folder that breaks it must not take the others down.

import { isObject } from '$lib/core/path';
import type { Field, Fields } from '$lib/core/schema';
import { validate, validateField } from '$lib/core/validate';
import type { ModelConfigSchema, ModelEntry, ModelMeta } from './contract';
import { IMPORTED } from './imported';

const PRESETS = ['easy', 'medium', 'advanced'];
const INTERPOLATIONS: readonly unknown[] = ['bilinear', 'bicubic', 'nearest'];

/** Every type of field with what it must have beside title, help and default. */
const FIELD_TYPES: Record<Field['type'], readonly string[]> = {
  number: [],
  integer: [],
  boolean: [],
  choice: ['options'],
  string: [],
  'optional-integer': ['nullTitle'],
  numbers: [],
  object: ['fields'],
};

/** The default exports of meta.ts and config.ts as an entry, or what is wrong with them. */
export function checkPlugin(folder: string, meta: unknown, config: unknown): ModelEntry | { reason: string } {
  const wrong = [...metaProblems(folder, meta), ...configProblems(config)];
  if (wrong.length === 0 && isMeta(folder, meta) && isConfig(config)) return { meta, config };
  return { reason: wrong.join(' ') };
}

function isMeta(folder: string, value: unknown): value is ModelMeta {
  return metaProblems(folder, value).length === 0;
}

function isConfig(value: unknown): value is ModelConfigSchema {
  return configProblems(value).length === 0;
}

function metaProblems(folder: string, meta: unknown): string[] {
  if (!isObject(meta)) return ['meta.ts has no default export that is an object.'];
  const wrong: string[] = [];
  const need = (name: string, holds: boolean, what: string): void => {
    if (!holds) wrong.push(`meta.${name} must be ${what}.`);
  };
  for (const name of ['id', 'title', 'summary', 'source', 'weightsLicence']) need(name, isText(meta[name]), 'a text');
  const { id, tasks, tags, recommended, paper, pretrained } = meta;
  need(
    'id',
    typeof id === 'string' && id.replaceAll('-', '_') === folder.replaceAll('-', '_'),
    `the folder’s name, ${folder}`,
  );
  need('id', id !== IMPORTED, `another than “${IMPORTED}”, which jobs use for networks from files`);
  need('tasks', isTexts(tasks) && tasks.length > 0, 'a list of task ids');
  need('tags', isTexts(tags), 'a list of texts');
  for (const name of ['parameters', 'flops', 'minimumMemory', 'sizeMultiple', 'minimumSize']) {
    need(name, isCount(meta[name]), 'a whole number of at least 1');
  }
  need('recommended', isObject(recommended) && areCounts(recommended, 'imageSize', 'batchSize'), 'an imageSize and a batchSize'); // prettier-ignore
  if (isObject(recommended) && isCount(meta.sizeMultiple) && isCount(meta.minimumSize)) {
    const size = Number(recommended.imageSize);
    const fits = size >= Number(meta.minimumSize) && size % Number(meta.sizeMultiple) === 0;
    need('recommended.imageSize', fits, `at least ${meta.minimumSize} and a multiple of ${meta.sizeMultiple}`);
  }
  need('paper', paper === undefined || isPaper(paper), 'left out, or a title, authors, a year and an https address');
  if (!Array.isArray(pretrained))
    return [...wrong, 'meta.pretrained must be a list; empty where there are no weights.'];
  return [...wrong, ...pretrainedProblems(pretrained)];
}

function isPaper(paper: unknown): boolean {
  if (!isObject(paper)) return false;
  return isText(paper.title) && isText(paper.authors) && isCount(paper.year) && isAddress(paper.url);
}

function pretrainedProblems(entries: readonly unknown[]): string[] {
  const names = entries.map((entry) => (isObject(entry) ? entry.name : undefined));
  return entries.flatMap((entry, index) => {
    const reason = whyNotWeights(entry) ?? (names.indexOf(names[index]) < index ? 'is listed twice' : null);
    return reason === null ? [] : [`meta.pretrained[${index}] ${reason}.`];
  });
}

function whyNotWeights(entry: unknown): string | null {
  if (!isObject(entry)) return 'must be an object';
  const { name, mean, std, interpolation } = entry;
  if (!isText(name) || !/^[\w.-]+\/[\w.-]+$/.test(name)) return 'must have a name of the hub, as owner/weights';
  if (!isText(entry.data) || !isText(entry.licence)) return 'must say its data and its licence';
  if (!areCounts(entry, 'bytes', 'imageSize')) return 'must have bytes and an imageSize, whole numbers of at least 1';
  if (!isChannels(mean) || !mean.every((value) => value >= 0 && value <= 1)) return 'must have a mean of three numbers in 0..1'; // prettier-ignore
  if (!isChannels(std) || !std.every((value) => value > 0 && value <= 1)) return 'must have a std of three numbers above 0, at most 1'; // prettier-ignore
  if (!INTERPOLATIONS.includes(interpolation)) return `must have an interpolation of ${INTERPOLATIONS.join(', ')}`;
  return null;
}

function configProblems(config: unknown): string[] {
  if (!isObject(config) || !isObject(config.fields)) return ['config.ts has no default export with fields.'];
  const { fields, presets, check } = config;
  const wrong = fieldsProblems('', fields);
  if (check !== undefined && typeof check !== 'function') wrong.push('config.check must be a function.');
  if (!Array.isArray(presets)) return [...wrong, 'config.presets must be a list.'];
  // A preset is tried on fields that hold.
  if (wrong.length > 0 || !areFields(fields)) return wrong;
  return presetsProblems(presets, fields);
}

/** Only true behind fieldsProblems, which looks at each. */
function areFields(fields: Record<string, unknown>): fields is Fields {
  return fieldsProblems('', fields).length === 0;
}

function fieldsProblems(path: string, fields: Record<string, unknown>): string[] {
  return Object.entries(fields).flatMap(([name, field]) => {
    const place = `${path}${name}`;
    if (!isObject(field)) return [`The field ${place} must be an object.`];
    if (!isText(field.title) || !isText(field.help)) return [`The field ${place} must have a title and a help text.`];
    if (!isFieldType(field.type)) return [`The field ${place} must have a type of ${Object.keys(FIELD_TYPES).join(', ')}.`]; // prettier-ignore
    const missing = FIELD_TYPES[field.type].find(
      (part) => !(part === 'options' ? isOptions : isObjectOrText)(field[part]),
    );
    if (missing !== undefined) return [`The field ${place} must have ${missing}.`];
    if (field.type === 'object') {
      return isObject(field.fields)
        ? fieldsProblems(`${place}.`, field.fields)
        : [`The field ${place} must have fields.`];
    }
    // What its type promises was looked at above; its own default is the last thing that can be wrong.
    const problems = validateField(field as unknown as Field, field.default, place);
    if (field.default === undefined) return [`The field ${place} must have a default.`];
    return problems.map(({ message }) => `The default of the field ${place} does not fit: ${message}`);
  });
}

function presetsProblems(presets: readonly unknown[], fields: Fields): string[] {
  const ids = presets.map((preset) => (isObject(preset) ? preset.id : undefined));
  if (ids.join() !== PRESETS.join()) return [`config.presets must be ${PRESETS.join(', ')}, in this order.`];
  return presets.flatMap((preset, index) => {
    if (!isObject(preset) || !isText(preset.title) || !isText(preset.help) || !isObject(preset.values)) {
      return [`The preset ${PRESETS[index]} must have a title, a help text and values.`];
    }
    const { problems } = validate(fields, nested(preset.values));
    return problems.map(({ message }) => `The preset ${PRESETS[index]} does not fit: ${message}`);
  });
}

/** Values by dotted path as the object that they describe. */
function nested(values: Record<string, unknown>): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(values)) {
    const names = path.split('.');
    let at = result;
    for (const name of names.slice(0, -1)) {
      const inner = at[name];
      const next = isObject(inner) ? inner : {};
      at[name] = next;
      at = next;
    }
    at[names[names.length - 1]] = value;
  }
  return result;
}

function isOptions(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((item) => isObject(item) && isText(item.value));
}

function isObjectOrText(value: unknown): boolean {
  return isObject(value) || isText(value);
}

function isFieldType(value: unknown): value is Field['type'] {
  return typeof value === 'string' && Object.hasOwn(FIELD_TYPES, value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isAddress(value: unknown): boolean {
  return isText(value) && /^https:\/\/\S+$/.test(value);
}

function isChannels(value: unknown): value is number[] {
  return Array.isArray(value) && value.length === 3 && value.every((item) => typeof item === 'number');
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 1;
}

function areCounts(object: Record<string, unknown>, ...names: string[]): boolean {
  return names.every((name) => isCount(object[name]));
}
