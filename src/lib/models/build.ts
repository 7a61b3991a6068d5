// Builds a model's graph by name, for workers: each builder is loaded when it is first wanted.

import { TrainyardError } from '$lib/core/errors';
import { isObject } from '$lib/core/path';
import { validate } from '$lib/core/validate';
import type { Graph } from '$lib/graph/types';
import type { BuildModel, BuildRequest, ModelEntry } from './contract';
import { getModel } from './registry';

const builders = import.meta.glob('/models/*/build.ts');

/**
 * The graph of a registered model. Throws `unknown-model`, `model-config` (settings), `model-size` (image size) or
 * `model-classes` (number of classes).
 */
export async function buildModel(name: string, request: BuildRequest): Promise<Graph> {
  const entry = getModel(name);
  checkRequest(entry, request);
  const build = await loadBuilder(entry.meta.id);
  return build(request);
}

/** What can be said about a request before anything is built. */
export function checkRequest({ meta, config }: ModelEntry, request: BuildRequest): void {
  const { imageSize, classes } = request;
  const { minimumSize, sizeMultiple, title } = meta;
  const fits = (size: number): boolean => Number.isInteger(size) && size >= minimumSize && size % sizeMultiple === 0;
  if (!imageSize.every(fits)) {
    const multiple = sizeMultiple === 1 ? '' : ` and multiples of ${sizeMultiple}`;
    throw new TrainyardError(
      'model-size',
      `${title} cannot read images of ${imageSize.join(' x ')} pixels.`,
      `Choose sizes of at least ${minimumSize}${multiple}; ${meta.recommended.imageSize} is recommended.`,
    );
  }
  if (!Number.isInteger(classes) || classes < 1) {
    throw new TrainyardError('model-classes', `A model cannot have ${classes} outputs.`, 'Use at least one class.');
  }
  const { problems } = validate(config.fields, request.config);
  const all = problems.length > 0 ? problems : (config.check?.(request.config) ?? []);
  if (all.length > 0) {
    const list = all.map(({ path, message }) => `${path}: ${message}`).join(' ');
    throw new TrainyardError('model-config', `The settings of ${title} do not fit. ${list}`, 'Correct these settings.');
  }
}

async function loadBuilder(id: string): Promise<BuildModel> {
  for (const [path, load] of Object.entries(builders)) {
    const folder = path.split('/').at(-2) ?? '';
    if (folder.replaceAll('-', '_') !== id.replaceAll('-', '_')) continue;
    const module = await load();
    if (isObject(module) && isBuilder(module.default)) return module.default;
  }
  throw new TrainyardError(
    'broken-model',
    `models/${id}/build.ts has no default export that builds.`,
    'Mend the plugin.',
    {
      badInput: false,
    },
  );
}

/** A function is all that can be checked; what it builds is checked by the graph's own rules. */
function isBuilder(value: unknown): value is BuildModel {
  return typeof value === 'function';
}
