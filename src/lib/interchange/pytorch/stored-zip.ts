// Writes a zip of entries that are not packed, each content at a multiple of 64 bytes as torch.save has it, so that readers can map
// the file. A list of parts for a Blob: nothing is copied.

import { TrainyardError } from '$lib/core/errors';
import { crc32 } from '$lib/data/crc32';
import { utf8 } from '../bytes';
import type { Bytes } from '../bytes';

export interface ZipEntry {
  path: string;
  content: Bytes;
}

const ALIGNMENT = 64;
const LOCAL = 0x04034b50;
const LOCAL_BYTES = 30;
const CENTRAL = 0x02014b50;
const CENTRAL_BYTES = 46;
const END = 0x06054b50;
const END_BYTES = 22;
/** An extra field that holds nothing: 'FB', as PyTorch calls it. */
const PADDING_FIELD = 0x4246;
const FIELD_HEAD_BYTES = 4;
const UTF8_NAMES = 0x800;
const VERSION = 20;
/** 1980-01-01, the first day that zip knows: equal weights give equal files. */
const DATE = 0x21;
const MOST_BYTES = 2 ** 32 - 2;

export function storedZip(entries: readonly ZipEntry[]): Blob {
  const parts: Bytes[] = [];
  const directory: Bytes[] = [];
  let at = 0;
  for (const { path, content } of entries) {
    const name = utf8(path);
    const crc = crc32(content);
    const start = at + LOCAL_BYTES + name.length + FIELD_HEAD_BYTES;
    const padding = (ALIGNMENT - (start % ALIGNMENT)) % ALIGNMENT;
    const local = header(LOCAL_BYTES, LOCAL, [VERSION], crc, content.length, name.length);
    local.setUint16(28, FIELD_HEAD_BYTES + padding, true);
    const field = new DataView(new ArrayBuffer(FIELD_HEAD_BYTES + padding));
    field.setUint16(0, PADDING_FIELD, true);
    field.setUint16(2, padding, true);
    parts.push(bytesOf(local), name, bytesOf(field), content);
    const central = header(CENTRAL_BYTES, CENTRAL, [VERSION, VERSION], crc, content.length, name.length);
    central.setUint32(42, at, true);
    directory.push(bytesOf(central), name);
    at = start + padding + content.length;
  }
  const directoryBytes = directory.reduce((sum, { length }) => sum + length, 0);
  if (at + directoryBytes > MOST_BYTES) {
    const message = 'The weights take more than 4 GB, which a zip of this kind cannot hold.';
    throw new TrainyardError('weights-too-large', message, 'Export safetensors instead.');
  }
  const end = new DataView(new ArrayBuffer(END_BYTES));
  end.setUint32(0, END, true);
  end.setUint16(8, entries.length, true);
  end.setUint16(10, entries.length, true);
  end.setUint32(12, directoryBytes, true);
  end.setUint32(16, at, true);
  return new Blob([...parts, ...directory, bytesOf(end)], { type: 'application/octet-stream' });
}

/** What local and central headers have in common; the central one names a version more. */
function header(
  bytes: number,
  signature: number,
  versions: readonly number[],
  crc: number,
  size: number,
  nameBytes: number,
): DataView<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(bytes));
  view.setUint32(0, signature, true);
  versions.forEach((version, index) => view.setUint16(4 + 2 * index, version, true));
  const from = 4 + 2 * versions.length;
  view.setUint16(from, UTF8_NAMES, true);
  view.setUint16(from + 6, DATE, true);
  view.setUint32(from + 8, crc, true);
  view.setUint32(from + 12, size, true);
  view.setUint32(from + 16, size, true);
  view.setUint16(from + 20, nameBytes, true);
  return view;
}

function bytesOf({ buffer }: DataView<ArrayBuffer>): Bytes {
  return new Uint8Array(buffer);
}
