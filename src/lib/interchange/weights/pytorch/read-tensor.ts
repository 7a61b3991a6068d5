// Numbers of one tensor: checked against its storage when the file is opened, read when asked for, put in order where the tensor is a
// view that is not.

import { stridesOf } from '$lib/graph/layout';
import { NUMBER_TYPES } from '../../numbers';
import { quoted, unreadable } from '../unreadable';
import type { NumbersSource } from './numbers-source';
import type { TensorRecord } from './tensors';

/** A tensor of stride 0 repeats its numbers; more than these are not worth it (4 MB). */
const MOST_REPEATED = 2 ** 20;

/** Throws `weights-unreadable` where the tensor reaches beyond its storage or the storage beyond the file. `source`: null when inline. */
export function checkTensor(name: string, path: string, tensor: TensorRecord, source: NumbersSource | null): void {
  const { numbers, shape } = tensor;
  const damaged = (found: string) => unreadable(name, `are damaged: tensor ${quoted(path)} ${found}`);
  if (numbers.kind === 'storage') {
    if (source === null) throw damaged(`lies in storage ${quoted(numbers.key)}, which is not there`);
    if (numbers.length * NUMBER_TYPES[numbers.type].size > source.size) {
      throw damaged(`lies in a storage of ${numbers.length} numbers that has ${source.size} bytes`);
    }
  }
  const count = countIn(shape);
  const { end } = extent(tensor);
  if (!(end <= numbers.length)) throw damaged(`of [${shape.join(', ')}] reaches beyond its storage`);
  if (!(count <= Math.max(numbers.length, MOST_REPEATED)))
    throw damaged(`of [${shape.join(', ')}] repeats its numbers`);
}

/** A fresh array. */
export async function readTensor(
  name: string,
  path: string,
  tensor: TensorRecord,
  source: NumbersSource | null,
): Promise<Float32Array> {
  const { numbers, shape, strides } = tensor;
  const { size, read } = NUMBER_TYPES[numbers.type];
  const { begin, end } = extent(tensor);
  if (end === begin) return new Float32Array(0);
  const bytes =
    numbers.kind === 'inline'
      ? numbers.bytes.slice(begin * size, end * size)
      : ((await source?.read(begin * size, end * size)) ?? new Uint8Array(0));
  if (bytes.length !== (end - begin) * size) {
    throw unreadable(name, `could not be read to the end: tensor ${quoted(path)} is cut off`);
  }
  const values = read(bytes);
  return isInOrder(shape, strides) ? values : gather(values, shape, strides);
}

function countIn(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** First number of the tensor in its storage and the one behind its last. */
function extent({ numbers, shape, strides, offset }: TensorRecord): { begin: number; end: number } {
  const begin = offset + (numbers.kind === 'storage' ? numbers.start : 0);
  if (shape.includes(0)) return { begin, end: begin };
  return { begin, end: shape.reduce((end, length, axis) => end + (length - 1) * strides[axis], begin + 1) };
}

/** Strides of axes of length 1 do not matter. */
function isInOrder(shape: readonly number[], strides: readonly number[]): boolean {
  const expected = stridesOf(shape);
  return shape.every((length, axis) => length === 1 || strides[axis] === expected[axis]);
}

/** Row-major copy of a view. */
function gather(values: Float32Array, shape: readonly number[], strides: readonly number[]): Float32Array {
  const result = new Float32Array(countIn(shape));
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < result.length; to++) {
    result[to] = values[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return result;
}
