// A zip archive as a list of files that are unpacked one by one when asked for. Refuses archives that lie about themselves.

import { inflateSync } from 'fflate';
import { TrainyardError } from '$lib/core/errors';
import { formatBytes, formatCount } from '$lib/core/format';
import type { DataProblem } from '$lib/storage/records';
import type { SourceFile } from '../contract';
import { crc32 } from '../crc32';
import { readDirectory, type DirectoryEntry } from './directory';
import { safePath } from './names';
import { windowReader, type ReadRange } from './windows';

/**
 * Deflate ends near 1,032:1. Photos stay under 2:1, and the flattest bitmap of a megabyte that is worth importing under 200:1;
 * a small one-colour bitmap may be packed further and harms nobody.
 */
const RATIO_LIMITS = [
  { aboveBytes: 1e6, ratio: 200 },
  { aboveBytes: 64e3, ratio: 900 },
];
/** More than any browser keeps. */
const LIMITS = { totalBytes: 64e9, entries: 2e6 };

const LOCAL_BYTES = 30;
const LOCAL = 0x04034b50;
/** Room for a local header's name and extra field, which may be longer than the directory's. */
const LOCAL_SLACK = 1024;

const STORED = 0;
const DEFLATE = 8;
const METHOD_NAMES: Readonly<Record<number, string | undefined>> = {
  9: 'Deflate64',
  12: 'bzip2',
  14: 'LZMA',
  93: 'Zstandard',
  95: 'XZ',
  98: 'PPMd',
};

export interface ArchiveFile extends SourceFile {
  /**
   * The content of an entry that is not packed, where it lies in the archive: nothing is read and nothing checked. Null for a packed
   * one. Throws 'archive-entry' where the archive is damaged there.
   */
  stored: (() => Promise<Blob>) | null;
  /** CRC-32 of the content, as the archive claims. */
  crc: number;
}

export interface Archive {
  /** In the order of the archive, which is the fastest to read them in. */
  files: readonly ArchiveFile[];
  problems: readonly DataProblem[];
}

/**
 * Lists a zip. Throws 'archive-corrupt', 'archive-encrypted', 'archive-unsafe-name' or 'archive-bomb', naming the entry:
 * from such an archive nothing is taken. A single damaged entry throws 'archive-entry' later, when it is read.
 */
export async function openArchive(blob: Blob, name: string, limits = LIMITS): Promise<Archive> {
  const entries = await readDirectory(blob, name);
  const wanted = entries.filter((entry) => !entry.folder).sort((a, b) => a.offset - b.offset);
  // Every name is checked, folders' too: one that points outside tells what the archive is.
  const paths = new Map(entries.map((entry) => [entry, safePath(name, entry.name)]));
  refuseBombs(name, wanted, limits);
  const read = windowReader(blob);
  const problems: DataProblem[] = [];
  const files = new Map<string, ArchiveFile>();
  for (const entry of wanted) {
    const path = paths.get(entry) ?? '';
    if (entry.encrypted) throw encryptedError(name, path);
    const skipped = entry.symbolicLink
      ? 'it is a link to another file'
      : files.has(path)
        ? 'the archive has another entry of the same name'
        : null;
    if (skipped !== null) {
      problems.push({ kind: 'skipped', path, reason: skipped });
      continue;
    }
    const bytes = () => unpack(entry, path, read);
    files.set(path, {
      path,
      size: entry.size,
      bytes,
      blob: async () => new Blob([await bytes()]),
      stored: entry.method === STORED ? () => sliceOf(blob, entry, path) : null,
      crc: entry.crc,
    });
  }
  return { files: [...files.values()], problems };
}

function refuseBombs(archive: string, entries: readonly DirectoryEntry[], limits: typeof LIMITS): void {
  if (entries.length > limits.entries) throw bomb(archive, `it has ${formatCount(entries.length)} entries`);
  let total = 0;
  entries.forEach((entry, i) => {
    total += entry.size;
    const { size, compressedSize } = entry;
    if (RATIO_LIMITS.some(({ aboveBytes, ratio }) => size >= aboveBytes && size > compressedSize * ratio)) {
      const ratio = formatCount(Math.round(entry.size / Math.max(1, entry.compressedSize)));
      throw bomb(archive, `"${entry.name}" would unpack to ${formatBytes(entry.size)}, ${ratio} times its packed size`);
    }
    // Bombs that get around the ratio let many entries share the same packed bytes.
    const end = entry.offset + LOCAL_BYTES + entry.compressedSize;
    const next = entries.at(i + 1);
    if (next !== undefined && end > next.offset) {
      throw bomb(archive, `"${entry.name}" and "${next.name}" share the same bytes`);
    }
  });
  if (total > limits.totalBytes) throw bomb(archive, `it would unpack to ${formatBytes(total)}`);
}

/** The content, checked against its size and checksum. Throws 'archive-entry' with the reason as its message. */
async function unpack(entry: DirectoryEntry, path: string, read: ReadRange): Promise<Uint8Array<ArrayBuffer>> {
  if (entry.method !== STORED && entry.method !== DEFLATE) {
    const method = METHOD_NAMES[entry.method] ?? `method ${entry.method}`;
    throw damaged(path, `it is packed with ${method}, which browsers cannot unpack; pack the archive with Deflate`);
  }
  const header = await read(entry.offset, entry.offset + LOCAL_BYTES + LOCAL_SLACK + entry.compressedSize);
  const start = contentStart(header, path);
  const end = start + entry.compressedSize;
  const whole = end <= header.length ? header : await read(entry.offset, entry.offset + end);
  if (whole.length < end) throw damaged(path, 'the archive ends inside it (truncated)');
  const content = inflate(entry, path, whole.subarray(start, end));
  if (content.length !== entry.size || crc32(content) !== entry.crc) {
    throw damaged(path, 'its checksum is wrong: the archive is damaged there');
  }
  return content;
}

/** Where the content begins behind the start of the entry's local header. */
function contentStart(header: Uint8Array, path: string): number {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  if (header.length < LOCAL_BYTES || view.getUint32(0, true) !== LOCAL) {
    throw damaged(path, 'its place in the archive is damaged');
  }
  return LOCAL_BYTES + view.getUint16(26, true) + view.getUint16(28, true);
}

async function sliceOf(archive: Blob, entry: DirectoryEntry, path: string): Promise<Blob> {
  const header = await archive.slice(entry.offset, entry.offset + LOCAL_BYTES).arrayBuffer();
  const start = entry.offset + contentStart(new Uint8Array(header), path);
  if (entry.size !== entry.compressedSize) throw damaged(path, 'its sizes contradict each other');
  if (start + entry.size > archive.size) throw damaged(path, 'the archive ends inside it (truncated)');
  return archive.slice(start, start + entry.size);
}

function inflate(entry: DirectoryEntry, path: string, packed: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  // A copy, so that the 8 MB window behind the view can go.
  if (entry.method === STORED) return packed.slice();
  try {
    // Into a buffer of the promised size: what would come beyond it is dropped, and the checksum tells.
    return inflateSync(packed, { out: new Uint8Array(entry.size) });
  } catch (error) {
    throw damaged(path, `it cannot be unpacked (${error instanceof Error ? error.message : String(error)})`);
  }
}

function damaged(path: string, reason: string): TrainyardError {
  return new TrainyardError('archive-entry', reason, `Pack the archive again or leave out ${path}.`);
}

function encryptedError(archive: string, path: string): TrainyardError {
  return new TrainyardError(
    'archive-encrypted',
    `${archive} is protected by a password: its entry "${path}" is encrypted, so nothing was imported.`,
    'Unpack it with the password and drop the folder, or pack it again without one.',
  );
}

function bomb(archive: string, found: string): TrainyardError {
  return new TrainyardError(
    'archive-bomb',
    `${archive} was refused because ${found}, as archives do that are made to fill a disk.`,
    'If you trust it, unpack it yourself and drop the folder.',
  );
}
