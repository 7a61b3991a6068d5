// A worker that reads one HDF5 file with the HDF5 library (h5wasm) and sends back all that is in it. Whoever started it ends it: the
// library can run in circles on damaged files.

import type { Dataset, Group } from 'h5wasm';
import type { NumberType } from '../../numbers';

/** A dataset or a group of the file, by its path from the root. */
export interface LibraryObject {
  path: string;
  /** Texts alone. */
  attributes: readonly (readonly [name: string, texts: readonly string[]])[];
  /** Null for a group; `type` null for values that are no numbers. */
  dataset: { shape: readonly number[]; type: NumberType | null; bytes: ArrayBuffer } | null;
}

export type LibraryAnswer =
  /** The library is loaded: time counts from here. */
  { kind: 'ready' } | { kind: 'file'; objects: readonly LibraryObject[] } | { kind: 'failed'; reason: string };

const PATH = '/file.h5';
const MAX_OBJECTS = 200_000;

const TYPES: readonly (readonly [{ new (length: number): ArrayBufferView }, NumberType])[] = [
  [Float32Array, 'float32'],
  [Float64Array, 'float64'],
  [Int8Array, 'int8'],
  [Uint8Array, 'uint8'],
  [Int16Array, 'int16'],
  [Uint16Array, 'uint16'],
  [Int32Array, 'int32'],
  [Uint32Array, 'uint32'],
  [BigInt64Array, 'int64'],
  [BigUint64Array, 'uint64'],
];

function answer(message: LibraryAnswer): void {
  postMessage(message);
}

addEventListener('message', ({ data }: MessageEvent<Blob>) => {
  readAll(data).then(
    (objects) => answer({ kind: 'file', objects }),
    (error: unknown) => answer({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) }),
  );
});

async function readAll(blob: Blob): Promise<readonly LibraryObject[]> {
  const h5 = await import('h5wasm');
  const { FS } = await h5.ready;
  answer({ kind: 'ready' });
  FS.writeFile(PATH, new Uint8Array(await blob.arrayBuffer()));
  const root = new h5.File(PATH, 'r');
  const objects: LibraryObject[] = [];
  const visit = (object: Group | Dataset, path: string): void => {
    if (objects.length >= MAX_OBJECTS) throw new Error('it holds too many objects');
    const dataset = object instanceof h5.Dataset ? valuesOf(object) : null;
    objects.push({ path, attributes: textsOf(object), dataset });
    if (!(object instanceof h5.Group)) return;
    for (const name of object.keys()) {
      const child = object.get(name);
      if (child instanceof h5.Group || child instanceof h5.Dataset)
        visit(child, path === '' ? name : `${path}/${name}`);
    }
  };
  visit(root, '');
  return objects;
}

function valuesOf(dataset: Dataset): LibraryObject['dataset'] {
  const shape = dataset.shape ?? [0];
  const { value } = dataset;
  for (const [View, type] of TYPES) {
    if (!(value instanceof View)) continue;
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice();
    return { shape, type, bytes: bytes.buffer };
  }
  return { shape, type: null, bytes: new ArrayBuffer(0) };
}

function textsOf(object: Group | Dataset): LibraryObject['attributes'] {
  return Object.entries(object.attrs).map(([name, { value }]) => {
    const texts = (Array.isArray(value) ? value : [value]).filter((text) => typeof text === 'string');
    return [name, texts] as const;
  });
}
