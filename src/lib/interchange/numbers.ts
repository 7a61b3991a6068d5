// The number types that weights files hold, and how each becomes float32. Bytes are little-endian, as on every machine that browsers
// run on.

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

let halves: Float32Array | null = null;

/** Every half precision number by its bits: 256 kB, twelve times faster than working each out. */
function halfTable(): Float32Array {
  halves ??= Float32Array.from({ length: 65536 }, (_, bits) => float16(bits));
  return halves;
}

/** A view on the bytes as numbers; on a copy of them where they are not aligned. */
function viewed<T>(
  View: { new (buffer: ArrayBufferLike, offset: number, length: number): T; BYTES_PER_ELEMENT: number },
  bytes: Uint8Array,
): T {
  const size = View.BYTES_PER_ELEMENT;
  const { buffer, byteOffset } = byteOffsetFits(bytes, size) ? bytes : bytes.slice();
  return new View(buffer, byteOffset, Math.floor(bytes.byteLength / size));
}

function byteOffsetFits({ byteOffset }: Uint8Array, size: number): boolean {
  return byteOffset % size === 0;
}

function halvesOf(bytes: Uint8Array): Float32Array {
  const table = halfTable();
  const bits = viewed(Uint16Array, bytes);
  const values = new Float32Array(bits.length);
  for (let at = 0; at < bits.length; at++) values[at] = table[bits[at]];
  return values;
}

function brainHalvesOf(bytes: Uint8Array): Float32Array {
  const bits = viewed(Uint16Array, bytes);
  const wide = new Uint32Array(bits.length);
  for (let at = 0; at < bits.length; at++) wide[at] = bits[at] << 16;
  return new Float32Array(wide.buffer);
}

/** `high` holds the sign or does not. */
function longsOf(bytes: Uint8Array, high: Int32Array | Uint32Array): Float32Array {
  const low = viewed(Uint32Array, bytes);
  return Float32Array.from({ length: low.length >> 1 }, (_, at) => high[2 * at + 1] * 2 ** 32 + low[2 * at]);
}

interface NumberReader {
  /** Bytes of one value. */
  size: number;
  /** A view of `bytes` where they are float32 already and aligned, else a fresh array. */
  read(bytes: Uint8Array): Float32Array;
}

/** Integers beyond 2^24 and float64 round to the nearest float32 (64-bit integers beyond 2^53 by way of float64). */
export const NUMBER_TYPES = {
  bool: { size: 1, read: (bytes) => Float32Array.from(bytes, (byte) => (byte === 0 ? 0 : 1)) },
  uint8: { size: 1, read: (bytes) => new Float32Array(bytes) },
  int8: { size: 1, read: (bytes) => new Float32Array(viewed(Int8Array, bytes)) },
  uint16: { size: 2, read: (bytes) => new Float32Array(viewed(Uint16Array, bytes)) },
  int16: { size: 2, read: (bytes) => new Float32Array(viewed(Int16Array, bytes)) },
  float16: { size: 2, read: halvesOf },
  bfloat16: { size: 2, read: brainHalvesOf },
  uint32: { size: 4, read: (bytes) => new Float32Array(viewed(Uint32Array, bytes)) },
  int32: { size: 4, read: (bytes) => new Float32Array(viewed(Int32Array, bytes)) },
  float32: { size: 4, read: (bytes) => viewed(Float32Array, bytes) },
  float64: { size: 8, read: (bytes) => new Float32Array(viewed(Float64Array, bytes)) },
  int64: { size: 8, read: (bytes) => longsOf(bytes, viewed(Int32Array, bytes)) },
  uint64: { size: 8, read: (bytes) => longsOf(bytes, viewed(Uint32Array, bytes)) },
} as const satisfies Record<string, NumberReader>;

export type NumberType = keyof typeof NUMBER_TYPES;
