// Opens Keras's HDF5 files: weights alone, whole saved models (whose configuration becomes a graph), and the newer .weights.h5.

import { isObject } from '$lib/core/path';
import { NUMBER_TYPES } from '../numbers';
import type { WeightsFile } from './contract';
import { openHdf5 } from './hdf5/file';
import type { Hdf5Node } from './hdf5/file';
import { Hdf5Problem, Hdf5Unknown } from './hdf5/problem';
import { MAX_JSON_BYTES, parseJsonObject } from './json-file';
import type { JsonObject } from './json-file';
import { variableNames } from './keras/names';
import { architectureOf, importKeras, rawPreprocess } from './keras/network';
import { tensorFinder } from './keras/tensors';
import type { NamedTensor } from './keras/tensors';
import { quoted, unreadable } from './unreadable';

interface StoredTensor extends NamedTensor {
  dtype: string;
}

/** More than any model has layers. */
const MAX_LAYERS = 100_000;
const MAX_DEPTH = 32;

/** `name` is for messages. Throws `weights-unreadable`. */
export async function openKerasH5(blob: Blob, name: string): Promise<WeightsFile> {
  try {
    const own = async (): Promise<WeightsFile> => open(await openHdf5(blob), blob, name);
    return await own().catch(async (error: unknown) => {
      // A part of HDF5 that Keras itself never writes.
      const { libraryAvailable, openWithLibrary } = await import('./hdf5/library');
      if (!(error instanceof Hdf5Unknown) || !libraryAvailable()) throw error;
      return open(await openWithLibrary(blob), blob, name);
    });
  } catch (error) {
    if (error instanceof Hdf5Problem) throw unreadable(name, error.message, error.hint, error);
    throw error;
  }
}

async function open(root: Hdf5Node, blob: Blob, name: string): Promise<WeightsFile> {
  const reader = new TensorReader(blob, name);
  const weights = (await root.get('model_weights')) ?? root;
  const layers = await textList(weights, 'layer_names');
  const tensors = layers === null ? await reader.all(root) : await reader.layers(weights, layers);
  if (tensors.length === 0) {
    throw unreadable(name, 'hold no tensors of numbers', 'Choose a file that Keras saved, with its weights.');
  }
  const topology = await configurationOf(root, name);
  const network = topology === null ? null : await importKeras(topology, tensorFinder(tensors));
  return {
    format: 'keras-h5',
    convention: 'keras',
    tensors: tensors.map(({ name: tensor, shape, dtype, read }) => ({ name: tensor, shape, dtype, read })),
    classes: null,
    preprocess: network === null ? null : rawPreprocess(network),
    architecture: () => (network === null ? Promise.resolve({ kind: 'none' }) : architectureOf(network)),
  };
}

/** What Keras calls `model_config`, with the version that wrote it. */
async function configurationOf(root: Hdf5Node, name: string): Promise<JsonObject | null> {
  const text = (await root.attribute('model_config'))?.texts[0];
  if (text === undefined) return null;
  if (text.length > MAX_JSON_BYTES) throw unreadable(name, 'cannot be read: the model_config is far too large');
  const config = parseJsonObject(text, name, 'the attribute model_config');
  const version = (await root.attribute('keras_version'))?.texts[0];
  return isObject(config) ? { model_config: config, keras_version: version ?? '2' } : null;
}

/** A list that Keras splits over several attributes where it is too long for one; null where there is none. */
async function textList(object: Hdf5Node, name: string): Promise<readonly string[] | null> {
  const whole = await object.attribute(name);
  if (whole !== null) return whole.texts;
  const parts: string[] = [];
  for (let index = 0; index < MAX_LAYERS; index++) {
    const part = await object.attribute(`${name}${index}`);
    if (part === null) return index === 0 ? null : parts;
    parts.push(...part.texts);
  }
  return parts;
}

class TensorReader {
  readonly #blob: Blob;
  readonly #file: string;
  readonly #names = new Set<string>();

  constructor(blob: Blob, file: string) {
    this.#blob = blob;
    this.#file = file;
  }

  /** What Keras lists: the weights of each layer, in its order. */
  async layers(weights: Hdf5Node, layers: readonly string[]): Promise<StoredTensor[]> {
    if (layers.length > MAX_LAYERS) throw unreadable(this.#file, `are damaged: they list ${layers.length} layers`);
    const tensors: StoredTensor[] = [];
    for (const layer of layers) {
      const group = await weights.get(layer);
      if (group === null) throw this.#missing(`the layer ${quoted(layer)}`);
      const own: { name: string; object: Hdf5Node }[] = [];
      for (const stored of (await textList(group, 'weight_names')) ?? []) {
        const object = await group.get(stored);
        if (object === null) throw this.#missing(`the weights ${quoted(stored)} of the layer ${quoted(layer)}`);
        own.push({ name: stored, object });
      }
      const datasets = await Promise.all(own.map(({ object }) => object.dataset()));
      const shapes = datasets.map((dataset) => dataset?.shape ?? []);
      const names = variableNames(layer, own.map(({ name }) => name), shapes); // prettier-ignore
      for (const [index, { object }] of own.entries()) await this.#add(tensors, names[index], object, layer);
    }
    return tensors;
  }

  /** Every dataset by its path, where Keras lists none. */
  async all(root: Hdf5Node): Promise<StoredTensor[]> {
    const tensors: StoredTensor[] = [];
    const seen = new Set([root.address]);
    const visit = async (group: Hdf5Node, path: string, depth: number): Promise<void> => {
      if (depth > MAX_DEPTH) throw unreadable(this.#file, 'are damaged: their groups never end');
      for (const [name, child] of await group.children()) {
        if (seen.has(child.address)) continue;
        seen.add(child.address);
        const below = path === '' ? name : `${path}/${name}`;
        if ((await child.dataset()) === null) await visit(child, below, depth + 1);
        else if (!/^optimizer(_weights)?$/.test(path.split('/')[0])) await this.#add(tensors, below, child, undefined);
      }
    };
    await visit(root, '', 0);
    return tensors;
  }

  async #add(tensors: StoredTensor[], name: string, object: Hdf5Node, group: string | undefined): Promise<void> {
    const dataset = await object.dataset();
    if (dataset === null) throw this.#missing(`the tensor ${quoted(name)}`);
    const { type, shape } = dataset;
    if (type.kind !== 'number') return;
    // Models inside a model may call their weights alike.
    if (this.#names.has(name) && group !== undefined) name = `${group}/${name}`;
    if (this.#names.has(name)) throw unreadable(this.#file, `hold two tensors called ${quoted(name)}`);
    this.#names.add(name);
    const read = async (): Promise<Float32Array> => {
      try {
        return NUMBER_TYPES[type.type].read(await dataset.bytes(this.#blob));
      } catch (error) {
        if (error instanceof Hdf5Problem) throw unreadable(this.#file, error.message, error.hint, error);
        throw error;
      }
    };
    tensors.push({ name, shape, dtype: type.type, read, ...(group === undefined ? {} : { group }) });
  }

  #missing(what: string): Error {
    return unreadable(this.#file, `are damaged: ${what}, which they list, is missing`);
  }
}
