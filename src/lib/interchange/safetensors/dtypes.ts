// The number types of safetensors files and how each becomes float32.

interface DtypeReader {
  /** Bytes of one value. */
  size: number;
  read(data: DataView, offset: number): number;
}

const LITTLE = true;

/** IEEE 754 half precision. */
export function float16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const scratch = new DataView(new ArrayBuffer(4));

/** The upper half of a float32. */
export function bfloat16(bits: number): number {
  scratch.setUint32(0, bits * 65536);
  return scratch.getFloat32(0);
}

/** Integers beyond 2^24 and float64 round to the nearest float32. */
export const DTYPES: Readonly<Record<string, DtypeReader>> = {
  BOOL: { size: 1, read: (data, at) => (data.getUint8(at) === 0 ? 0 : 1) },
  U8: { size: 1, read: (data, at) => data.getUint8(at) },
  I8: { size: 1, read: (data, at) => data.getInt8(at) },
  U16: { size: 2, read: (data, at) => data.getUint16(at, LITTLE) },
  I16: { size: 2, read: (data, at) => data.getInt16(at, LITTLE) },
  F16: { size: 2, read: (data, at) => float16(data.getUint16(at, LITTLE)) },
  BF16: { size: 2, read: (data, at) => bfloat16(data.getUint16(at, LITTLE)) },
  U32: { size: 4, read: (data, at) => data.getUint32(at, LITTLE) },
  I32: { size: 4, read: (data, at) => data.getInt32(at, LITTLE) },
  F32: { size: 4, read: (data, at) => data.getFloat32(at, LITTLE) },
  F64: { size: 8, read: (data, at) => data.getFloat64(at, LITTLE) },
  I64: { size: 8, read: (data, at) => Number(data.getBigInt64(at, LITTLE)) },
  U64: { size: 8, read: (data, at) => Number(data.getBigUint64(at, LITTLE)) },
};

/** Values of one tensor's bytes; a view where they are float32 already and aligned. */
export function toFloat32(dtype: string, bytes: Uint8Array): Float32Array {
  const { size, read } = DTYPES[dtype];
  const count = bytes.byteLength / size;
  if (dtype === 'F32' && bytes.byteOffset % 4 === 0) return new Float32Array(bytes.buffer, bytes.byteOffset, count);
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: count }, (_, index) => read(data, index * size));
}
