// The weights of a TensorFlow.js model: what its manifest promises, held to the shards that are there. Reads no values.

import { isObject } from '$lib/core/path';
import { elements } from '$lib/graph/ops/operation';
import type { Shape } from '$lib/graph/types';
import { readBytes } from '../bytes';
import { NUMBER_TYPES } from '../numbers';
import type { NumberType } from '../numbers';
import type { TensorEntry } from './contract';
import { listOf, property } from './json-file';
import type { JsonObject } from './json-file';
import { quoted, unreadable } from './unreadable';

/** How the values of a tensor were squeezed: q * scale + min, or halves. */
type Quantization = { type: 'uint8' | 'uint16'; scale: number; minimum: number } | { type: 'float16' };

interface Declared {
  name: string;
  shape: Shape;
  type: NumberType;
  quantization: Quantization | null;
  optimizer: boolean;
}

/** What TensorFlow.js writes; strings and complex numbers belong to no layer. */
const TYPES: ReadonlySet<unknown> = new Set<NumberType>(['float32', 'int32', 'bool', 'float16', 'uint8']);
const MAX_ELEMENTS = 2 ** 31;
const MAX_RANK = 8;

/** Finds a shard by the path in the manifest; throws `weights-unreadable` where there is none. */
export type FindShard = (path: string) => Promise<Blob>;

/** The tensors of a manifest, optimiser state left out. `file` is for messages. Throws `weights-unreadable`. */
export async function readManifest(manifest: unknown, file: string, find: FindShard): Promise<TensorEntry[]> {
  if (!Array.isArray(manifest)) throw unreadable(file, 'hold no list of weights (weightsManifest)');
  const tensors: TensorEntry[] = [];
  const names = new Set<string>();
  for (const group of listOf(manifest)) {
    if (!isObject(group)) throw unreadable(file, 'are damaged: a group of its weightsManifest is no object');
    const paths = listOf(property(group, 'paths'));
    const declared = listOf(property(group, 'weights')).map((one) => declaredTensor(one, file));
    const shards: Blob[] = [];
    for (const path of paths) {
      if (typeof path !== 'string') throw unreadable(file, 'are damaged: a path of its weightsManifest is no text');
      shards.push(await find(path));
    }
    const data = new Blob(shards);
    const wanted = declared.reduce((sum, one) => sum + byteLength(one), 0);
    if (data.size !== wanted) {
      const which =
        paths.length === 1 ? `"${String(paths[0])}" has` : `their ${paths.length} shards ${shown(paths)} have`;
      const problem = data.size < wanted ? 'are incomplete' : 'do not fit together';
      throw unreadable(file, `${problem}: ${which} ${data.size} bytes, the tensors take ${wanted}`);
    }
    let begin = 0;
    for (const one of declared) {
      if (names.has(one.name)) throw unreadable(file, `hold two tensors called ${quoted(one.name)}`);
      names.add(one.name);
      const end = begin + byteLength(one);
      if (!one.optimizer) tensors.push(entry(one, data.slice(begin, end)));
      begin = end;
    }
  }
  if (tensors.length === 0) throw unreadable(file, 'hold no weights');
  return tensors;
}

function shown(paths: readonly unknown[]): string {
  const [first, ...rest] = paths.map(String);
  return rest.length === 0 ? `("${first}")` : `("${first}" to "${rest[rest.length - 1]}")`;
}

function declaredTensor(value: unknown, file: string): Declared {
  if (!isObject(value)) throw unreadable(file, 'are damaged: a tensor of its weightsManifest is no object');
  const name = property(value, 'name');
  if (typeof name !== 'string' || name === '') throw unreadable(file, 'are damaged: a tensor has no name');
  const shape = listOf(property(value, 'shape')).map(Number);
  const sound = Array.isArray(property(value, 'shape')) && shape.length <= MAX_RANK;
  if (!sound || shape.some((length) => !Number.isInteger(length) || length < 0) || elements(shape) > MAX_ELEMENTS) {
    throw unreadable(file, `are damaged: the shape of the tensor ${quoted(name)} is ${quoted(JSON.stringify(property(value, 'shape')) ?? '')}`); // prettier-ignore
  }
  const type = property(value, 'dtype');
  if (!isNumberType(type)) {
    throw unreadable(
      file,
      `cannot be used: the tensor ${quoted(name)} has the number type ${quoted(String(type))}`,
      'Export the model with float32 weights.',
    );
  }
  const quantized = property(value, 'quantization');
  return {
    name,
    shape,
    type,
    quantization: quantized === undefined || quantized === null ? null : quantization(quantized, name, file),
    optimizer: property(value, 'group') === 'optimizer',
  };
}

function isNumberType(type: unknown): type is NumberType {
  return TYPES.has(type);
}

function quantization(value: unknown, tensor: string, file: string): Quantization {
  const settings: JsonObject = isObject(value) ? value : {};
  const type = property(settings, 'dtype');
  if (type === 'float16') return { type };
  const scale = property(settings, 'scale');
  const minimum = property(settings, 'min');
  if ((type === 'uint8' || type === 'uint16') && Number.isFinite(scale) && Number.isFinite(minimum)) {
    return { type, scale: Number(scale), minimum: Number(minimum) };
  }
  throw unreadable(
    file,
    `cannot be used: the tensor ${quoted(tensor)} is quantised in an unknown way`,
    'Export the model without quantisation.',
  );
}

function byteLength({ shape, type, quantization }: Declared): number {
  return elements(shape) * NUMBER_TYPES[quantization?.type ?? type].size;
}

function entry({ name, shape, type, quantization }: Declared, data: Blob): TensorEntry {
  const read = async (): Promise<Float32Array> => {
    const stored = NUMBER_TYPES[quantization?.type ?? type].read(await readBytes(data));
    if (quantization === null || quantization.type === 'float16') return stored;
    const { scale, minimum } = quantization;
    // Integers were integers before.
    return type === 'int32'
      ? stored.map((value) => Math.round(value * scale + minimum))
      : stored.map((value) => value * scale + minimum);
  };
  return { name, shape, dtype: quantization?.type ?? type, read };
}
