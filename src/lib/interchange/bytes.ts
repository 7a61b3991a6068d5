// Views of numbers as bytes, for files that are lists of parts. Little-endian like every machine that browsers run on.

/** Bytes that a Blob may hold: not shared between threads. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** The same memory as bytes; copied only when it is shared with other threads, which a Blob does not take. */
export function bytesOf(values: Float32Array | Int32Array | BigInt64Array | Uint8Array): Bytes {
  const { buffer, byteOffset, byteLength } = values;
  if (buffer instanceof ArrayBuffer) return new Uint8Array(buffer, byteOffset, byteLength);
  return new Uint8Array(new Uint8Array(buffer, byteOffset, byteLength));
}

/** Little-endian 64-bit integers. */
export function int64Bytes(values: readonly number[]): Bytes {
  return bytesOf(BigInt64Array.from(values, (value) => BigInt(value)));
}

export function utf8(text: string): Bytes {
  return new TextEncoder().encode(text);
}

/** Whole contents of a blob. */
export async function readBytes(blob: Blob): Promise<Bytes> {
  return new Uint8Array(await blob.arrayBuffer());
}
