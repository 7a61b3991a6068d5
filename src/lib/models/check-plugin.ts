// Holds a plugin's data to the contract: a folder that breaks it must not take the others down.

import { isObject } from '$lib/core/path';
import type { ModelConfigSchema, ModelEntry, ModelMeta } from './contract';

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
  for (const name of ['id', 'title', 'summary', 'source', 'weightsLicence']) {
    need(name, typeof meta[name] === 'string' && meta[name] !== '', 'a text');
  }
  const { id, tasks, tags, recommended } = meta;
  need(
    'id',
    typeof id === 'string' && id.replaceAll('-', '_') === folder.replaceAll('-', '_'),
    `the folder’s name, ${folder}`,
  );
  need('tasks', isTexts(tasks) && tasks.length > 0, 'a list of task ids');
  need('tags', isTexts(tags), 'a list of texts');
  for (const name of ['parameters', 'sizeMultiple', 'minimumSize']) {
    need(name, isCount(meta[name]), 'a whole number of at least 1');
  }
  const sizes = isObject(recommended) && isCount(recommended.imageSize) && isCount(recommended.batchSize);
  need('recommended', sizes, 'an imageSize and a batchSize');
  return wrong;
}

function configProblems(config: unknown): string[] {
  if (!isObject(config) || !isObject(config.fields)) return ['config.ts has no default export with fields.'];
  const { fields, presets } = config;
  if (!Object.values(fields).every((field) => isObject(field) && typeof field.title === 'string')) {
    return ['A field of config.ts has no title.'];
  }
  if (!Array.isArray(presets)) return ['config.presets must be a list.'];
  return [];
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 1;
}
