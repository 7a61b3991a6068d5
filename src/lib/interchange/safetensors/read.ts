// Reads a whole safetensors file at once: what this program wrote itself. Files from elsewhere are read a tensor at a time;
// see weights/safetensors.ts.

import { readBytes } from '../bytes';
import { NUMBER_TYPES } from '../numbers';
import type { NumberType } from '../numbers';
import { readHeader } from './header';

export interface StoredTensor {
  name: string;
  type: NumberType;
  shape: readonly number[];
  /** A view into the file's data. */
  bytes: Uint8Array;
}

export interface SafetensorsFile {
  metadata: ReadonlyMap<string, string>;
  /** In the order of the data. */
  tensors: ReadonlyMap<string, StoredTensor>;
}

/** The whole file is held in memory while its tensors are in use. Throws `safetensors-damaged`. */
export async function readSafetensors(file: Blob): Promise<SafetensorsFile> {
  const { metadata, entries } = await readHeader(file);
  const dataStart = entries.at(0)?.begin ?? file.size;
  const data = await readBytes(file.slice(dataStart));
  const tensors = entries.map(({ name, type, shape, begin, end }): [string, StoredTensor] => [
    name,
    { name, type, shape, bytes: data.subarray(begin - dataStart, end - dataStart) },
  ]);
  return { metadata, tensors: new Map(tensors) };
}

/** The values as float32; may share the file's memory. */
export function floatValues({ type, bytes }: StoredTensor): Float32Array {
  return NUMBER_TYPES[type].read(bytes);
}
