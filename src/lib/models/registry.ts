// The models that the page knows: data only, found by their folders. Nothing here builds or computes; see build.ts.

import { TrainyardError } from '$lib/core/errors';
import { isObject } from '$lib/core/path';
import { didYouMean } from '$lib/core/suggest';
import { checkPlugin } from './check-plugin';
import type { ModelEntry } from './contract';
import { IMPORTED, importedEntry } from './imported';

/** A plugin that could not be taken, and why. The others are not affected. */
export interface BrokenModel {
  /** Folder in models/. */
  folder: string;
  reason: string;
}

export interface Registry {
  models: ReadonlyMap<string, ModelEntry>;
  broken: readonly BrokenModel[];
}

/** Loaded modules by path, as import.meta.glob gives them. */
type Modules = Readonly<Record<string, unknown>>;

/**
 * Makes a registry from the plugins' modules, keyed by path ('/models/tiny-cnn/meta.ts'). A plugin
 * that does not keep the contract is listed in `broken`. Throws `duplicate-model` when two have the same id.
 */
export function createRegistry(metas: Modules, configs: Modules): Registry {
  const models = new Map<string, ModelEntry>();
  const broken: BrokenModel[] = [];
  for (const [path, meta] of Object.entries(metas)) {
    const folder = folderOf(path);
    const config = configs[path.replace(/meta\.ts$/, 'config.ts')];
    const entry = checkPlugin(folder, defaultOf(meta), defaultOf(config));
    if ('reason' in entry) {
      broken.push({ folder, reason: entry.reason });
      continue;
    }
    if (models.has(entry.meta.id)) {
      throw new TrainyardError(
        'duplicate-model',
        `Two model folders have the id "${entry.meta.id}"; the second is models/${folder}.`,
        'Give one of them another id and folder name.',
        { badInput: false },
      );
    }
    models.set(entry.meta.id, entry);
  }
  return { models, broken };
}

function folderOf(path: string): string {
  return path.split('/').at(-2) ?? path;
}

function defaultOf(module: unknown): unknown {
  return isObject(module) ? module.default : undefined;
}

/** The entry of a model. Throws `unknown-model` with the nearest name. */
export function modelFrom(registry: Registry, id: string): ModelEntry {
  const entry = registry.models.get(id);
  if (entry !== undefined) return entry;
  const known = didYouMean(id, [...registry.models.keys()]);
  throw new TrainyardError('unknown-model', `There is no model "${id}"; ${known}`, 'Choose a model that exists.');
}

const registry = createRegistry(
  import.meta.glob('/models/*/meta.ts', { eager: true }),
  import.meta.glob('/models/*/config.ts', { eager: true }),
);

/** Every working model, the smallest first. */
export const MODELS: readonly ModelEntry[] = [...registry.models.values()].sort(
  (a, b) => a.meta.parameters - b.meta.parameters,
);

export const BROKEN_MODELS: readonly BrokenModel[] = registry.broken;

/** Throws `unknown-model` with the nearest name. 'imported' gives what is known of any imported network. */
export function getModel(id: string): ModelEntry {
  if (id === IMPORTED) return importedEntry();
  return modelFrom(registry, id);
}
