// Reads a zip's central directory, ZIP64 included. Unpacks nothing; see archive.ts.

import { TrainyardError } from '$lib/core/errors';
import { decodeName } from './names';

export interface DirectoryEntry {
  /** As written, decoded. */
  name: string;
  encrypted: boolean;
  /** 0 stored, 8 deflate, others are not read. */
  method: number;
  crc: number;
  compressedSize: number;
  size: number;
  /** Of the local header. */
  offset: number;
  folder: boolean;
  symbolicLink: boolean;
}

const END = 0x06054b50;
const END_BYTES = 22;
const END64 = 0x06064b50;
const END64_LOCATOR = 0x07064b50;
const CENTRAL = 0x02014b50;
const CENTRAL_BYTES = 46;
const MAX_COMMENT = 0xffff;
const ZIP64_FIELD = 0x0001;
const UNICODE_PATH_FIELD = 0x7075;
const UNIX = 3;
const FILE_TYPE = 0xf000;
const SYMBOLIC_LINK = 0xa000;

/** Throws 'archive-corrupt' where the file is not a whole zip. */
export async function readDirectory(blob: Blob, archive: string): Promise<DirectoryEntry[]> {
  const corrupt = (found: string) =>
    new TrainyardError(
      'archive-corrupt',
      `${archive} cannot be read as a zip archive: ${found}.`,
      'Download or pack it again; if it is another kind of archive, unpack it and drop the folder.',
    );
  const tailStart = Math.max(0, blob.size - END_BYTES - MAX_COMMENT);
  const tail = await read(blob, tailStart, blob.size);
  const at = findEnd(tail);
  if (at < 0) throw corrupt('its directory, which comes last, is missing (the file is truncated or no zip)');
  const end = viewOf(tail);
  let count = end.getUint16(at + 10, true);
  let bytes = end.getUint32(at + 12, true);
  let start = end.getUint32(at + 16, true);
  if (count === 0xffff || bytes === 0xffffffff || start === 0xffffffff) {
    const large = await readEnd64(blob, tail, at);
    if (large !== null) ({ count, bytes, start } = large);
  }
  if (start + bytes > blob.size) throw corrupt('its directory lies beyond the end of the file (truncated)');
  const directory = await read(blob, start, start + bytes);
  const entries: DirectoryEntry[] = [];
  let position = 0;
  for (let i = 0; i < count; i++) {
    const entry = readEntry(directory, position);
    if (entry === null) throw corrupt(`entry ${i + 1} of ${count} of its directory is damaged`);
    entries.push(entry.entry);
    position = entry.next;
  }
  return entries;
}

function findEnd(tail: Uint8Array): number {
  const view = viewOf(tail);
  for (let at = tail.length - END_BYTES; at >= 0; at--) {
    if (view.getUint32(at, true) !== END) continue;
    // The comment must reach to the end exactly, or the signature is part of one.
    if (at + END_BYTES + view.getUint16(at + 20, true) === tail.length) return at;
  }
  return -1;
}

async function readEnd64(
  blob: Blob,
  tail: Uint8Array,
  end: number,
): Promise<{ count: number; bytes: number; start: number } | null> {
  const locator = end - 20;
  if (locator < 0 || viewOf(tail).getUint32(locator, true) !== END64_LOCATOR) return null;
  const offset = Number(viewOf(tail).getBigUint64(locator + 8, true));
  if (offset + 56 > blob.size) return null;
  const record = viewOf(await read(blob, offset, offset + 56));
  if (record.getUint32(0, true) !== END64) return null;
  const value = (at: number) => Number(record.getBigUint64(at, true));
  return { count: value(32), bytes: value(40), start: value(48) };
}

function readEntry(directory: Uint8Array, at: number): { entry: DirectoryEntry; next: number } | null {
  const view = viewOf(directory);
  if (at + CENTRAL_BYTES > directory.length || view.getUint32(at, true) !== CENTRAL) return null;
  const flags = view.getUint16(at + 8, true);
  const nameEnd = at + CENTRAL_BYTES + view.getUint16(at + 28, true);
  const extraEnd = nameEnd + view.getUint16(at + 30, true);
  const next = extraEnd + view.getUint16(at + 32, true);
  if (next > directory.length) return null;
  const extra = readExtra(directory.subarray(nameEnd, extraEnd));
  const sizes = readSizes(view, at, extra.get(ZIP64_FIELD) ?? null);
  if (sizes === null) return null;
  const nameBytes = directory.subarray(at + CENTRAL_BYTES, nameEnd);
  const name = decodeName(nameBytes, (flags & 0x800) !== 0, extra.get(UNICODE_PATH_FIELD) ?? null);
  const attributes = view.getUint32(at + 38, true);
  const unixMode = view.getUint8(at + 5) === UNIX ? attributes >>> 16 : 0;
  const entry: DirectoryEntry = {
    name,
    encrypted: (flags & 1) !== 0,
    method: view.getUint16(at + 10, true),
    crc: view.getUint32(at + 16, true),
    ...sizes,
    folder: /[\\/]$/.test(name),
    symbolicLink: (unixMode & FILE_TYPE) === SYMBOLIC_LINK,
  };
  return { entry, next };
}

/** The 64-bit values stand in the extra field, in this order, only where the 32-bit one is full. */
function readSizes(
  view: DataView,
  at: number,
  zip64: Uint8Array | null,
): { size: number; compressedSize: number; offset: number } | null {
  let position = 0;
  const value = (at32: number): number | null => {
    const small = view.getUint32(at32, true);
    if (small !== 0xffffffff || zip64 === null) return small;
    if (position + 8 > zip64.length) return null;
    position += 8;
    return Number(viewOf(zip64).getBigUint64(position - 8, true));
  };
  const size = value(at + 24);
  const compressedSize = value(at + 20);
  const offset = value(at + 42);
  return size === null || compressedSize === null || offset === null ? null : { size, compressedSize, offset };
}

function readExtra(extra: Uint8Array): Map<number, Uint8Array> {
  const fields = new Map<number, Uint8Array>();
  const view = viewOf(extra);
  let position = 0;
  while (position + 4 <= extra.length) {
    const end = position + 4 + view.getUint16(position + 2, true);
    if (end > extra.length) break;
    fields.set(view.getUint16(position, true), extra.subarray(position + 4, end));
    position = end;
  }
  return fields;
}

async function read(blob: Blob, start: number, end: number): Promise<Uint8Array> {
  return new Uint8Array(await blob.slice(start, end).arrayBuffer());
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
