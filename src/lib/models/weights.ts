// Finds how weights of other frameworks fit a model, for whoever loads them: models/<id>/weights.ts, which few models have.

import { TrainyardError } from '$lib/core/errors';
import { isObject } from '$lib/core/path';
import type { WeightsMapping } from './contract';

const mappings = import.meta.glob('/models/*/weights.ts');

/**
 * The mapping of a registered model (or of 'imported', which has none); null where parameters have PyTorch's names alone.
 * Throws `broken-model` when weights.ts exports no mapping.
 */
export async function getWeightsMapping(model: string): Promise<WeightsMapping | null> {
  const wanted = model.replaceAll('-', '_');
  for (const [path, load] of Object.entries(mappings)) {
    if (path.split('/').at(-2)?.replaceAll('-', '_') !== wanted) continue;
    const module = await load();
    if (isObject(module) && isMapping(module.default)) return module.default;
    throw new TrainyardError(
      'broken-model',
      `models/${model}/weights.ts has no default export that maps weights.`,
      'Mend the plugin.',
      { badInput: false },
    );
  }
  return null;
}

/** That the function answers names can only be seen by calling it. */
function isMapping(value: unknown): value is WeightsMapping {
  if (!isObject(value)) return false;
  const { keras, kerasInput } = value;
  return (keras === undefined || typeof keras === 'function') && (kerasInput === undefined || isObject(kerasInput));
}
