// What a reader of one image format finds in the first bytes, and small helpers for reading bytes. Decodes nothing.

export interface Header {
  /** As stored; before orientation. */
  width: number;
  height: number;
  /** EXIF orientation, 1 to 8; 5 and above swap the sides. */
  orientation: number;
  /** Why the rest of the file cannot be complete, or null where it looks so. */
  damage: string | null;
}

/** Null where the file ends before its size is known. */
export type ReadHeader = (bytes: Uint8Array) => Header | null;

export const TRUNCATED = 'the file ends before the image does (truncated)';

export function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The bytes as Latin-1 text; shorter where they end. */
export function ascii(bytes: Uint8Array, start: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(start, start + length));
}
