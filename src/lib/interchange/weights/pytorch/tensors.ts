// Understands the few records of a pickle that make up tensors: torch's own and numpy's arrays. Everything else is no tensor.

import { stridesOf } from '$lib/graph/layout';
import { NUMBER_TYPES } from '../../numbers';
import type { NumberType } from '../../numbers';
import type { Call, Persistent, PickleValue } from './values';
import { countOf, globalName, isRecord, itemsOf } from './values';

/** Numbers in a file of their own, or in a part of the file behind the pickle. */
export interface StorageReference {
  kind: 'storage';
  key: string;
  type: NumberType;
  /** Of the numbers. */
  length: number;
  /** Where a view of an older version begins in the storage. */
  start: number;
}

/** Numbers inside the pickle. */
export interface InlineNumbers {
  kind: 'inline';
  bytes: Uint8Array;
  type: NumberType;
  /** Of the numbers. */
  length: number;
}

export interface TensorRecord {
  numbers: StorageReference | InlineNumbers;
  shape: readonly number[];
  /** In numbers, as PyTorch counts. */
  strides: readonly number[];
  /** Of the first number. */
  offset: number;
}

/** What a record is: a tensor, a tensor that cannot be read and why, or neither (null). */
export type Interpreted = TensorRecord | { unsupported: string } | null;

const STORAGES: Readonly<Record<string, NumberType>> = {
  BoolStorage: 'bool',
  ByteStorage: 'uint8',
  CharStorage: 'int8',
  ShortStorage: 'int16',
  IntStorage: 'int32',
  LongStorage: 'int64',
  HalfStorage: 'float16',
  BFloat16Storage: 'bfloat16',
  FloatStorage: 'float32',
  DoubleStorage: 'float64',
};

/** Bytes of one number in storages whose tensors are not read. */
const OTHER_STORAGES: Readonly<Record<string, number>> = {
  UntypedStorage: 1,
  ComplexFloatStorage: 8,
  ComplexDoubleStorage: 16,
  QInt8Storage: 1,
  QUInt8Storage: 1,
  QInt32Storage: 4,
  QUInt4x2Storage: 1,
};

/** torch.float32 and so on, in the records of newer number types. */
const TORCH_TYPES: Readonly<Record<string, NumberType>> = {
  bool: 'bool',
  uint8: 'uint8',
  int8: 'int8',
  uint16: 'uint16',
  int16: 'int16',
  uint32: 'uint32',
  int32: 'int32',
  uint64: 'uint64',
  int64: 'int64',
  float16: 'float16',
  bfloat16: 'bfloat16',
  float32: 'float32',
  float64: 'float64',
};

/** What numpy calls its types in a pickle, without the byte order. */
const NUMPY_TYPES: Readonly<Record<string, NumberType>> = {
  b1: 'bool',
  u1: 'uint8',
  i1: 'int8',
  u2: 'uint16',
  i2: 'int16',
  f2: 'float16',
  u4: 'uint32',
  i4: 'int32',
  f4: 'float32',
  u8: 'uint64',
  i8: 'int64',
  f8: 'float64',
};

export function interpretTensor(record: Call): Interpreted {
  const args = itemsOf(record.args) ?? [];
  switch (globalName(record.callee)) {
    case 'torch._utils._rebuild_tensor':
    case 'torch._utils._rebuild_tensor_v2':
      return torchTensor(args, null);
    case 'torch._utils._rebuild_tensor_v3':
      return torchTensor(args, args.at(6) ?? null);
    case 'torch._utils._rebuild_parameter':
    case 'torch._utils._rebuild_parameter_with_state':
      return interpretFirst(args);
    case 'torch._tensor._rebuild_from_type_v2':
      return interpretSubclass(args);
    case 'torch._utils._rebuild_device_tensor_from_numpy':
      return interpretFirst(args);
    case 'torch._utils._rebuild_qtensor':
      return { unsupported: 'quantised' };
    case 'torch._utils._rebuild_sparse_tensor':
    case 'torch._utils._rebuild_sparse_csr_tensor':
      return { unsupported: 'sparse' };
    case 'torch._utils._rebuild_nested_tensor':
      return { unsupported: 'nested' };
    case 'torch._utils._rebuild_meta_tensor_no_storage':
      return { unsupported: 'without values' };
    case 'numpy.core.multiarray._reconstruct':
    case 'numpy._core.multiarray._reconstruct':
      return numpyArray(record.state);
    default:
      return null;
  }
}

/** A parameter wraps the record of its tensor. Wrappers of wrappers are in no honest file. */
function interpretFirst([inner = null]: readonly PickleValue[]): Interpreted {
  if (!isRecord(inner) || inner.kind !== 'call' || globalName(inner.callee).includes('_rebuild_parameter')) return null;
  return globalName(inner.callee).includes('from_type') ? null : interpretTensor(inner);
}

/** _rebuild_from_type_v2(function, type, arguments, state) */
function interpretSubclass([callee = null, , args = null]: readonly PickleValue[]): Interpreted {
  if (globalName(callee).includes('from_type')) return null;
  return interpretTensor({ kind: 'call', callee, args, state: null, items: [], entries: [] });
}

/** (storage, offset, size, stride, ...); `type` is given where the storage has none. */
function torchTensor(args: readonly PickleValue[], type: PickleValue): Interpreted {
  const [storage = null, first = null, size = null, stride = null] = args;
  const offset = countOf(first);
  const shape = counts(size);
  const strides = counts(stride);
  if (offset === null || shape === null || strides === null || shape.length !== strides.length) {
    return { unsupported: 'damaged' };
  }
  const numbers = storageOf(storage, type);
  return 'unsupported' in numbers ? numbers : { numbers, shape, strides, offset };
}

/** Also of torch.Size([...]). */
function counts(value: PickleValue): number[] | null {
  const sized = isRecord(value) && value.kind === 'call' && globalName(value.callee) === 'torch.Size';
  const items = itemsOf(sized ? (itemsOf(value.args)?.at(0) ?? null) : value);
  if (items === null) return null;
  const result: number[] = [];
  for (const item of items) {
    const count = countOf(item);
    if (count === null) return null;
    result.push(count);
  }
  return result;
}

/** Key of a storage and the bytes of one of its numbers; null for what is no storage or of an unknown type. */
export function storageSize({ id }: Persistent): { key: string; size: number } | null {
  const [tag, storageType = null, key] = itemsOf(id) ?? [];
  const name = globalName(storageType).split('.').at(-1) ?? '';
  if (tag !== 'storage' || typeof key !== 'string') return null;
  if (Object.hasOwn(STORAGES, name)) return { key, size: NUMBER_TYPES[STORAGES[name]].size };
  return Object.hasOwn(OTHER_STORAGES, name) ? { key, size: OTHER_STORAGES[name] } : null;
}

/** ('storage', type, key, device, length), in the older format with a view (key, offset, length) or None behind it. */
function storageOf(value: PickleValue, type: PickleValue): StorageReference | { unsupported: string } {
  const [tag, storageType = null, key, , count = null, view = null] =
    (isRecord(value) && value.kind === 'persistent' ? itemsOf(value.id) : null) ?? [];
  const length = countOf(count);
  if (tag !== 'storage' || typeof key !== 'string' || length === null) return { unsupported: 'damaged' };
  const torchType = globalName(type).replace(/^torch\./, '');
  const storageName = globalName(storageType).split('.').at(-1) ?? '';
  if (torchType !== '') {
    if (!Object.hasOwn(TORCH_TYPES, torchType)) return { unsupported: `of the number type ${torchType}` };
    // An untyped storage counts bytes; readers count numbers.
    const numberType = TORCH_TYPES[torchType];
    return {
      kind: 'storage',
      key,
      type: numberType,
      length: Math.floor(length / NUMBER_TYPES[numberType].size),
      start: 0,
    };
  }
  if (!Object.hasOwn(STORAGES, storageName)) return { unsupported: `of the number type ${storageName}` };
  const start = countOf((itemsOf(view) ?? []).at(1) ?? 0) ?? 0;
  return { kind: 'storage', key, type: STORAGES[storageName], length, start };
}

/** State of an array: (version, shape, type, whether in Fortran's order, bytes). */
function numpyArray(state: PickleValue): Interpreted {
  const [, size = null, typeRecord = null, fortran = false, data = null] = itemsOf(state) ?? [];
  const shape = counts(size);
  const type = numpyType(typeRecord);
  const bytes = bytesOf(data);
  if (type === null || shape === null || bytes === null) return { unsupported: 'of a numpy type that is no number' };
  const length = Math.floor(bytes.length / NUMBER_TYPES[type].size);
  return {
    numbers: { kind: 'inline', bytes, type, length },
    shape,
    strides: fortran === true ? stridesOf([...shape].reverse()).reverse() : stridesOf(shape),
    offset: 0,
  };
}

/** dtype('f4', ...) whose state's second item is the byte order. */
function numpyType(value: PickleValue): NumberType | null {
  if (!isRecord(value) || value.kind !== 'call' || globalName(value.callee) !== 'numpy.dtype') return null;
  const name = (itemsOf(value.args) ?? []).at(0);
  const order = (itemsOf(value.state) ?? []).at(1);
  if (typeof name !== 'string' || order === '>' || !Object.hasOwn(NUMPY_TYPES, name)) return null;
  return NUMPY_TYPES[name];
}

/** Bytes, or the text that older protocols make of them: _codecs.encode(text, 'latin1'). */
function bytesOf(value: PickleValue): Uint8Array | null {
  if (value instanceof Uint8Array) return value;
  const encoded = isRecord(value) && value.kind === 'call' && globalName(value.callee) === '_codecs.encode';
  const text = encoded ? (itemsOf(value.args)?.at(0) ?? null) : value;
  return typeof text === 'string' ? Uint8Array.from(text, (character) => character.charCodeAt(0) & 0xff) : null;
}
