// A tensor of an ONNX file: where its values lie, and how they become numbers. Values are read from the blob when asked for.

import { TrainyardError } from '$lib/core/errors';
import type { Shape } from '$lib/graph/types';
import { FIELDS } from '../../onnx/model';
import { damaged, float, integers, readFields, text } from '../../onnx/protobuf-reader';
import type { ProtobufField } from '../../onnx/protobuf-reader';
import { bfloat16, float16 } from '../../numbers';
import { readRange } from './ranges';
import type { Range, RangeReader } from './ranges';

/** Float values as float32; integers and booleans exact up to 2^53. */
export type Numbers = Float32Array | Float64Array;

interface DataType {
  name: string;
  kind: 'float' | 'integer';
  /** Bytes of one value in raw data; 0 where such a tensor is not read here. */
  size: number;
  read(data: DataView, at: number): number;
  /** Where values lie that are not raw. */
  typed: 'floatData' | 'int32Data' | 'int64Data' | 'doubleData' | 'uint64Data';
  /** A value of `typed` as the number that it stands for; the same where absent. */
  convert?: (stored: number) => number;
}

const LITTLE = true;

/** TensorProto.DataType. */
const TYPES: Readonly<Record<number, DataType>> = {
  1: { name: 'float32', kind: 'float', size: 4, read: (d, at) => d.getFloat32(at, LITTLE), typed: 'floatData' },
  2: { name: 'uint8', kind: 'integer', size: 1, read: (d, at) => d.getUint8(at), typed: 'int32Data' },
  3: { name: 'int8', kind: 'integer', size: 1, read: (d, at) => d.getInt8(at), typed: 'int32Data' },
  4: { name: 'uint16', kind: 'integer', size: 2, read: (d, at) => d.getUint16(at, LITTLE), typed: 'int32Data' },
  5: { name: 'int16', kind: 'integer', size: 2, read: (d, at) => d.getInt16(at, LITTLE), typed: 'int32Data' },
  6: { name: 'int32', kind: 'integer', size: 4, read: (d, at) => d.getInt32(at, LITTLE), typed: 'int32Data' },
  7: {
    name: 'int64',
    kind: 'integer',
    size: 8,
    read: (d, at) => Number(d.getBigInt64(at, LITTLE)),
    typed: 'int64Data',
  },
  9: { name: 'bool', kind: 'integer', size: 1, read: (d, at) => (d.getUint8(at) === 0 ? 0 : 1), typed: 'int32Data' },
  10: {
    name: 'float16',
    kind: 'float',
    size: 2,
    read: (d, at) => float16(d.getUint16(at, LITTLE)),
    typed: 'int32Data',
    convert: float16,
  },
  11: { name: 'float64', kind: 'float', size: 8, read: (d, at) => d.getFloat64(at, LITTLE), typed: 'doubleData' },
  12: { name: 'uint32', kind: 'integer', size: 4, read: (d, at) => d.getUint32(at, LITTLE), typed: 'uint64Data' },
  13: {
    name: 'uint64',
    kind: 'integer',
    size: 8,
    read: (d, at) => Number(d.getBigUint64(at, LITTLE)),
    typed: 'uint64Data',
  },
  16: {
    name: 'bfloat16',
    kind: 'float',
    size: 2,
    read: (d, at) => bfloat16(d.getUint16(at, LITTLE)),
    typed: 'int32Data',
    convert: bfloat16,
  },
};

export interface StoredTensor {
  name: string;
  shape: Shape;
  type: number;
  /** 'float32', 'int64'; 'type 17' where it is not read here. */
  dtype: string;
  kind: 'float' | 'integer';
  count: number;
  /** Where the whole message lies. */
  message: Range;
  /** Where raw data lies; null for values in typed fields. */
  raw: Range | null;
  /** The values are in another file. */
  external: boolean;
}

/** Most values that one tensor may claim: 8 GB of float32. */
const MAX_COUNT = 2 ** 31;

function refused(name: string, found: string): TrainyardError {
  return new TrainyardError(
    'weights-unreadable',
    `Tensor "${name}" of the ONNX file ${found}.`,
    'Export the model again, as one file with float32 weights.',
  );
}

/** What the message says of itself; nothing of its values is loaded. Throws `protobuf-damaged` and `weights-unreadable`. */
export async function locateTensor(reader: RangeReader, message: Range): Promise<StoredTensor> {
  const fields = FIELDS.tensor;
  let name = '';
  let type = 0;
  let raw: Range | null = null;
  let external = false;
  const shape: number[] = [];
  for await (const field of reader.fields(message)) {
    const view = async (): Promise<ProtobufField> => ({ ...field, bytes: await reader.bytes(field) });
    if (field.number === fields.name) name = text(await view());
    else if (field.number === fields.dataType) type = Number(BigInt.asIntN(32, field.integer));
    else if (field.number === fields.dims) shape.push(...integers(await view()));
    else if (field.number === fields.rawData) raw = { start: field.start, end: field.end };
    else if (field.number === fields.externalData || (field.number === fields.dataLocation && field.integer === 1n)) {
      external = true;
    }
    if (shape.length > 32) throw refused(name, `has more than 32 axes`);
  }
  const count = shape.reduce((product, length) => product * length, 1);
  if (shape.some((length) => length < 0) || count > MAX_COUNT) {
    throw refused(name, `has the impossible shape [${shape.join(', ')}]`);
  }
  const known = TYPES[type] as DataType | undefined;
  if (!external && known !== undefined) checkLength(known, { name, shape, count, message, raw });
  return {
    name,
    shape,
    type,
    dtype: known?.name ?? (type === 8 ? 'string' : `type ${type}`),
    kind: known?.kind ?? 'integer',
    count,
    message,
    raw,
    external,
  };
}

function checkLength(
  { size, name: dtype }: DataType,
  { name, shape, count, message, raw }: Pick<StoredTensor, 'name' | 'shape' | 'count' | 'message' | 'raw'>,
): void {
  const bytes = raw === null ? message.end - message.start : raw.end - raw.start;
  // A value in a typed field takes at least one byte.
  const fits = raw === null ? count <= bytes : count * size === bytes;
  if (!fits) throw refused(name, `has ${bytes} bytes for ${dtype} of shape [${shape.join(', ')}]`);
}

/** A fresh array of all values. Throws `weights-unreadable` for types that are not numbers, and for values that are elsewhere. */
export async function readTensor(blob: Blob, tensor: StoredTensor): Promise<Numbers> {
  const { name, type, count, raw, message, external } = tensor;
  if (external) throw refused(name, 'has its values in another file');
  const known = TYPES[type] as DataType | undefined;
  if (known === undefined) throw refused(name, `is of ${tensor.dtype}, which is not read here`);
  if (raw === null) return fromTyped(await readRange(blob, message), known, tensor);
  const bytes = await readRange(blob, raw);
  if (bytes.byteLength !== count * known.size) throw refused(name, 'is cut off');
  if (known.name === 'float32') return new Float32Array(bytes.buffer);
  const values = known.kind === 'float' ? new Float32Array(count) : new Float64Array(count);
  const data = new DataView(bytes.buffer);
  for (let at = 0; at < count; at++) values[at] = known.read(data, at * known.size);
  return values;
}

function fromTyped(message: Uint8Array, { typed, kind, convert }: DataType, { name, count }: StoredTensor): Numbers {
  const values = kind === 'float' ? new Float32Array(count) : new Float64Array(count);
  let at = 0;
  for (const field of readFields(message)) {
    if (field.number !== FIELDS.tensor[typed]) continue;
    for (const value of typedValues(field, typed)) {
      if (at >= count) throw refused(name, `has more than the ${count} values of its shape`);
      values[at++] = convert === undefined ? value : convert(value);
    }
  }
  if (at !== count) throw refused(name, `has ${at} of the ${count} values of its shape`);
  return values;
}

/** Packed or one by one. */
function typedValues(field: ProtobufField, typed: DataType['typed']): Iterable<number> {
  const { bytes } = field;
  if (typed === 'floatData') return floats(field);
  if (typed !== 'doubleData') return integers(field);
  if (bytes.length % 8 !== 0) throw damaged('a list of doubles is cut off');
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 8 }, (_, at) => data.getFloat64(8 * at, LITTLE));
}

/** A repeated float field: one value, or packed. */
export function floats(field: ProtobufField): number[] {
  const { bytes } = field;
  if (bytes.length === 4) return [float(field)];
  if (bytes.length % 4 !== 0) throw damaged('a list of floats is cut off');
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 4 }, (_, at) => data.getFloat32(4 * at, LITTLE));
}
