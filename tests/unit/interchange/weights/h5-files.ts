// HDF5 files as Keras lays them out, written by the HDF5 library itself (h5wasm), which is also the judge of what we read.
import * as h5 from 'h5wasm';
import { stream } from '$lib/core/random';

export interface H5Layer {
  name: string;
  weights: readonly { name: string; shape: readonly number[] }[];
}

export interface H5Options {
  libver?: 'earliest' | 'latest';
  /** Deflate level; chunks are then smaller than their tensors. */
  packed?: number;
  modelConfig?: string;
  kerasVersion?: string;
  dtype?: '<f' | '<d' | '<i';
  /** False leaves the lists of layers and weights out. */
  listed?: boolean;
  /** How many names an attribute holds at most; Keras splits lists that are too long for one. */
  split?: number;
  /** Changes the drawn values of a weight by its name. */
  values?: (values: Float32Array, name: string) => Float32Array;
}

let count = 0;

export function numbers(name: string, shape: readonly number[]): Float32Array {
  const random = stream(9, name);
  return Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => Math.fround(2 * random() - 1));
}

/** The group under a path, made where it is not there. */
function makeGroup(root: h5.Group, path: string): h5.Group {
  let group = root;
  for (const name of path.split('/').filter((part) => part !== '')) {
    const known = group.keys().includes(name) ? group.get(name) : group.create_group(name);
    if (!(known instanceof h5.Group)) throw new Error(`"${name}" is no group.`);
    group = known;
  }
  return group;
}

/** The bytes of a file with these layers. */
export async function writeH5(layers: readonly H5Layer[], options: H5Options = {}): Promise<Uint8Array<ArrayBuffer>> {
  const {
    libver = 'earliest',
    packed,
    modelConfig,
    kerasVersion = '2.15.0',
    dtype = '<f',
    listed = true,
    split,
    values = (same: Float32Array) => same,
  } = options;
  const { FS } = await h5.ready;
  const path = `/written-${count++}.h5`;
  const file = new h5.File(path, 'w', { libver: libver === 'latest' ? 'latest' : ['earliest', 'latest'] });
  if (modelConfig !== undefined) file.create_attribute('model_config', modelConfig);
  file.create_attribute('keras_version', kerasVersion);
  const root = modelConfig === undefined ? file : file.create_group('model_weights');
  root.create_attribute('backend', 'tensorflow');
  if (listed) {
    const names = layers.map(({ name }) => name);
    const size = split ?? names.length;
    for (let at = 0; at < names.length; at += size) {
      const attribute = split === undefined ? 'layer_names' : `layer_names${at / size}`;
      root.create_attribute(attribute, names.slice(at, at + size), undefined, 'S32');
    }
  }
  for (const { name, weights } of layers) {
    const group = makeGroup(root, name);
    if (weights.length === 0) continue;
    if (listed) group.create_attribute('weight_names', weights.map((weight) => weight.name)); // prettier-ignore
    for (const weight of weights) {
      makeGroup(group, weight.name.split('/').slice(0, -1).join('/'));
      group.create_dataset({
        name: weight.name,
        data: values(numbers(`${name}/${weight.name}`, weight.shape), weight.name),
        shape: [...weight.shape],
        dtype,
        ...(packed === undefined
          ? {}
          : { chunks: weight.shape.map((length) => Math.max(1, Math.ceil(length / 2))), compression: packed }),
      });
    }
  }
  file.close();
  const bytes = new Uint8Array(FS?.readFile(path) ?? []);
  FS?.unlink(path);
  return bytes;
}
