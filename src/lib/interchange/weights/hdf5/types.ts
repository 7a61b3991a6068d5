// HDF5's datatypes and dataspaces: how one value is stored, and how many there are.

import type { NumberType } from '../../numbers';
import type { Cursor } from './pages';
import { damaged, unknown } from './problem';

export type Datatype =
  | { kind: 'number'; type: NumberType; bigEndian: boolean; size: number }
  /** Fixed length, padded with zeros or spaces. */
  | { kind: 'text'; size: number }
  /** In the global heap: length, collection, index. */
  | { kind: 'heap-text'; size: number }
  /** Compounds and the like: of no use here. */
  | { kind: 'other'; size: number };

const FIXED = 0;
const FLOAT = 1;
const TEXT = 3;
const ENUM = 8;
const HEAP = 9;

const FLOATS: Readonly<Record<number, NumberType | undefined>> = { 2: 'float16', 4: 'float32', 8: 'float64' };
const SIGNED: Readonly<Record<number, NumberType | undefined>> = { 1: 'int8', 2: 'int16', 4: 'int32', 8: 'int64' };
const UNSIGNED: Readonly<Record<number, NumberType | undefined>> = {
  1: 'uint8',
  2: 'uint16',
  4: 'uint32',
  8: 'uint64',
};
/** Exponent bits of IEEE floats; a 2-byte float with 8 of them is bfloat16. */
const EXPONENT_BITS: Readonly<Record<number, number | undefined>> = { 2: 5, 4: 8, 8: 11 };

export function readDatatype(cursor: Cursor): Datatype {
  const first = cursor.u8();
  const flags = cursor.u8() + cursor.u16() * 256;
  const size = cursor.u32();
  if (size === 0 || size > 2 ** 20) throw damaged(`a value of it takes ${size} bytes`);
  const other: Datatype = { kind: 'other', size };
  switch (first & 15) {
    case FIXED: {
      const type = ((flags & 8) === 0 ? UNSIGNED : SIGNED)[size];
      const [offset, precision] = [cursor.u16(), cursor.u16()];
      if (type === undefined || offset !== 0 || precision !== 8 * size) return other;
      return { kind: 'number', type, bigEndian: (flags & 1) === 1, size };
    }
    case FLOAT: {
      const [offset, precision] = [cursor.u16(), cursor.u16()];
      const exponent = cursor.skip(1).u8();
      const brain = size === 2 && exponent === 8;
      const type = brain ? 'bfloat16' : FLOATS[size];
      if (type === undefined || offset !== 0 || precision !== 8 * size) return other;
      if (!brain && exponent !== EXPONENT_BITS[size]) return other;
      return { kind: 'number', type, bigEndian: (flags & 1) === 1, size };
    }
    case TEXT:
      return { kind: 'text', size };
    case ENUM:
      // h5py's booleans: an int8 with names.
      return size === 1 ? { kind: 'number', type: 'int8', bigEndian: false, size } : other;
    case HEAP:
      return (flags & 15) === 1 ? { kind: 'heap-text', size } : other;
    default:
      return other;
  }
}

const MAX_RANK = 32;
/** More than 8 GB of float32; a file that says so is damaged. */
const MAX_VALUES = 2 ** 31;

/** The lengths of the axes; [] for a single value. */
export function readDataspace(cursor: Cursor, lengthSize: number): readonly number[] {
  const version = cursor.u8();
  const rank = cursor.u8();
  cursor.u8(); // Whether maximum lengths follow: they do not matter.
  if (version === 1) cursor.skip(5);
  else if (version === 2) {
    const kind = cursor.u8();
    if (kind === 2) return [0];
  } else throw unknown(`dataspaces of version ${version}`);
  if (rank > MAX_RANK) throw damaged(`a tensor of it has ${rank} axes`);
  const shape = Array.from({ length: rank }, () => cursor.unsigned(lengthSize));
  if (shape.reduce((product, length) => product * length, 1) > MAX_VALUES) {
    throw damaged(`a tensor of it has the shape [${shape.join(', ')}]`);
  }
  return shape;
}
