// The header of a safetensors file: 8 bytes of length, then JSON, then raw little-endian data. A file whose header does not describe
// its bytes exactly, without gap and overlap, is refused. Format: https://github.com/huggingface/safetensors

import { TrainyardError } from '$lib/core/errors';
import { readBytes } from '../bytes';
import { NUMBER_TYPES } from '../numbers';
import type { NumberType } from '../numbers';
import { duplicateKey } from '../strict-json';
import { DTYPES } from './dtypes';

/** The reference implementation's own limit. */
const MAX_HEADER_BYTES = 100_000_000;
const LENGTH_BYTES = 8;
const METADATA = '__metadata__';

export interface HeaderEntry {
  name: string;
  type: NumberType;
  shape: readonly number[];
  /** First byte and the one behind the last, in the file. */
  begin: number;
  end: number;
}

export interface SafetensorsHeader {
  metadata: ReadonlyMap<string, string>;
  /** In the order of the data. */
  entries: readonly HeaderEntry[];
}

function damaged(found: string, hint = 'Save or download the file again.'): TrainyardError {
  return new TrainyardError('safetensors-damaged', `Not a valid safetensors file: ${found}.`, hint);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isLength(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** A name as it is shown: files may hold names of any length. */
function quoted(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}...` : name);
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  if (bytes[0] !== 0x7b) throw damaged('its header does not begin with "{"');
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    header = JSON.parse(text);
  } catch (cause) {
    throw damaged(`its header is not JSON (${cause instanceof Error ? cause.message : String(cause)})`);
  }
  if (!isRecord(header)) throw damaged('its header is not an object');
  const twice = duplicateKey(text);
  if (twice !== null) throw damaged(`its header names ${quoted(twice)} twice`);
  return header;
}

function parseMetadata(value: unknown): Map<string, string> {
  if (value === undefined) return new Map();
  if (!isRecord(value)) throw damaged('its metadata is not an object');
  return new Map(
    Object.entries(value).map(([key, text]) => {
      if (typeof text !== 'string') throw damaged(`its metadata ${quoted(key)} is not a text`);
      return [key, text];
    }),
  );
}

/** Offsets count from the end of the header. */
function parseEntry(name: string, value: unknown): HeaderEntry {
  if (!isRecord(value)) throw damaged(`tensor ${quoted(name)} has no description`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string' || !Object.hasOwn(DTYPES, dtype)) {
    throw damaged(`tensor ${quoted(name)} has the number type ${quoted(String(dtype))}`, 'Save it as float32.');
  }
  if (!Array.isArray(shape) || !shape.every(isLength)) throw damaged(`tensor ${quoted(name)} has no valid shape`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isLength)) {
    throw damaged(`tensor ${quoted(name)} has no valid data_offsets`);
  }
  const [begin, end] = offsets;
  const count = shape.reduce((product, length) => product * length, 1);
  const bytes = count * NUMBER_TYPES[DTYPES[dtype]].size;
  if (!Number.isSafeInteger(bytes) || end - begin !== bytes) {
    throw damaged(`tensor ${quoted(name)} of ${dtype} [${shape.join(', ')}] has ${end - begin} bytes, not ${bytes}`);
  }
  return { name, type: DTYPES[dtype], shape, begin, end };
}

/** The data must be covered from its first to its last byte, each byte once. */
function checkCoverage(entries: readonly HeaderEntry[], dataBytes: number): void {
  let at = 0;
  for (const { name, begin, end } of entries) {
    if (begin > at) throw damaged(`there is a gap of ${begin - at} bytes before tensor ${quoted(name)}`);
    if (begin < at) throw damaged(`tensor ${quoted(name)} overlaps the one before it`);
    at = end;
  }
  if (at > dataBytes) throw damaged(`it ends ${at - dataBytes} bytes too early`);
  if (at < dataBytes) throw damaged(`${dataBytes - at} bytes behind the last tensor belong to none`);
}

/** Reads the header alone. Throws `safetensors-damaged`. */
export async function readHeader(file: Blob): Promise<SafetensorsHeader> {
  if (file.size < LENGTH_BYTES) throw damaged(`it has ${file.size} bytes, fewer than its header's length takes`);
  const lengthBytes = await readBytes(file.slice(0, LENGTH_BYTES));
  const length = new DataView(lengthBytes.buffer).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES) || length > BigInt(file.size - LENGTH_BYTES)) {
    throw damaged(`its header would be ${length} bytes long in a file of ${file.size}`);
  }
  const dataStart = LENGTH_BYTES + Number(length);
  const { [METADATA]: metadataValue, ...rest } = parseHeader(await readBytes(file.slice(LENGTH_BYTES, dataStart)));
  const metadata = parseMetadata(metadataValue);
  const entries = Object.entries(rest).map(([name, value]) => parseEntry(name, value));
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkCoverage(entries, file.size - dataStart);
  return {
    metadata,
    entries: entries.map((entry) => ({ ...entry, begin: dataStart + entry.begin, end: dataStart + entry.end })),
  };
}
