// Writes zips by hand, so that a test can write wrong ones. Every field of the format is in `ZipEntry`.

import { deflateSync } from 'fflate';
import { crc32 } from '$lib/data/crc32';

export interface ZipEntry {
  name: string | Uint8Array;
  content?: Uint8Array | string;
  /** 8 deflates; any other method stores. */
  method?: number;
  flags?: number;
  /** What the directory claims; the truth where absent. */
  size?: number;
  crc?: number;
  /** 64-bit sizes and offset in the extra field. */
  zip64?: boolean;
  extra?: Uint8Array;
  /** Unix mode, in the upper half of the external attributes. */
  mode?: number;
  /** Points at the local header of an earlier entry instead of its own. */
  sameAs?: number;
}

export interface ZipOptions {
  /** Ends with ZIP64's end record and locator too. */
  zip64?: boolean;
  comment?: string;
}

export function makeZip(entries: readonly ZipEntry[], options: ZipOptions = {}): Blob {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const directory: Uint8Array<ArrayBuffer>[] = [];
  const offsets: number[] = [];
  let position = 0;
  const push = (part: Uint8Array<ArrayBuffer>) => {
    parts.push(part);
    position += part.length;
  };
  for (const entry of entries) {
    const name = bytesOf(entry.name);
    const content = bytesOf(entry.content ?? '');
    const method = entry.method ?? 8;
    const packed = method === 8 ? deflateSync(content) : content;
    const crc = entry.crc ?? crc32(content);
    const size = entry.size ?? content.length;
    const flags = entry.flags ?? 0x800;
    const offset = entry.sameAs === undefined ? position : offsets[entry.sameAs];
    offsets.push(offset);
    if (entry.sameAs === undefined) {
      push(
        fields(
          [4, 0x04034b50],
          [2, 20],
          [2, flags],
          [2, method],
          [4, 0],
          [4, crc],
          [4, packed.length],
          [4, size],
          [2, name.length],
          [2, 0],
        ),
      );
      push(name);
      push(packed);
    }
    const large = entry.zip64 === true;
    const extra = join([
      ...(large ? [fields([2, 1], [2, 24], [8, size], [8, packed.length], [8, offset])] : []),
      entry.extra ?? new Uint8Array(),
    ]);
    const small = (value: number): [number, number] => [4, large ? 0xffffffff : value];
    directory.push(
      fields(
        [4, 0x02014b50],
        [2, (entry.mode === undefined ? 0 : 3 << 8) | 20],
        [2, 20],
        [2, flags],
        [2, method],
        [4, 0],
        [4, crc],
        small(packed.length),
        small(size),
        [2, name.length],
        [2, extra.length],
        [2, 0],
        [2, 0],
        [2, 0],
        [4, (entry.mode ?? 0) * 0x10000],
        small(offset),
      ),
      name,
      extra,
    );
  }
  const start = position;
  const central = join(directory);
  push(central);
  if (options.zip64 === true) {
    const at = position;
    push(
      fields(
        [4, 0x06064b50],
        [8, 44],
        [2, 45],
        [2, 45],
        [4, 0],
        [4, 0],
        [8, entries.length],
        [8, entries.length],
        [8, central.length],
        [8, start],
      ),
    );
    push(fields([4, 0x07064b50], [4, 0], [8, at], [4, 1]));
  }
  const full = options.zip64 === true;
  const comment = bytesOf(options.comment ?? '');
  push(
    fields(
      [4, 0x06054b50],
      [2, 0],
      [2, 0],
      [2, full ? 0xffff : entries.length],
      [2, full ? 0xffff : entries.length],
      [4, full ? 0xffffffff : central.length],
      [4, full ? 0xffffffff : start],
      [2, comment.length],
    ),
  );
  push(comment);
  return new Blob(parts);
}

/** Little-endian numbers of so many bytes. */
export function fields(...values: readonly (readonly [bytes: number, value: number])[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(values.reduce((sum, [bytes]) => sum + bytes, 0));
  let at = 0;
  for (const [bytes, value] of values) {
    let left = BigInt(value);
    for (let i = 0; i < bytes; i++) {
      out[at++] = Number(left & 0xffn);
      left >>= 8n;
    }
  }
  return out;
}

export function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export function bytesOf(value: string | Uint8Array): Uint8Array<ArrayBuffer> {
  return typeof value === 'string' ? new TextEncoder().encode(value) : new Uint8Array(value);
}
