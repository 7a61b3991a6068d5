// Downloads one file into the store, piece by piece, and goes on where an earlier download ended. Knows nothing of what is in the file.

import { TrainyardError } from '$lib/core/errors';
import type { DownloadRecord } from '$lib/storage/records';
import { looksLikePage, looksLikePointer, readHead, type FileHead } from './answer';
import type { DownloadStore, RemoteFile, RequestOptions } from './contract';
import { brokenOff, cancelled, notAFile, statusRefused, wrongLength } from './refusals';
import { BrokenConnection, request, type Opened } from './request';

/** Rarely enough for the disk, often enough that a lost tab costs a few seconds. */
export const STORE_EVERY_BYTES = 4 * 1024 * 1024;
const RETRY_AFTER_MS = [1_000, 2_000, 4_000];

export interface Downloaded {
  blob: Blob;
  /** As the hub says it; not yet compared with what came. */
  sha256: string | null;
}

export interface DownloadOptions extends RequestOptions {
  store: DownloadStore;
  /** For messages: what the person asked for. */
  reference: string;
  onProgress?: (progress: { done: number; total: number | null }) => void;
}

/**
 * The file as a blob, all of whose bytes are in the store until `store.remove(file.url)`. Bytes of an earlier attempt are used when
 * the server says that its file is still the same; otherwise it starts again. `If-Range` would ask for that in one step, but is a
 * header for which browsers first ask permission, which download hosts do not grant; comparing the answer's ETag does the same.
 * Throws 'cancelled' and what refusals.ts lists; everything that came is kept unless it is known to be wrong.
 */
export async function downloadFile(file: RemoteFile, options: DownloadOptions): Promise<Downloaded> {
  const waits = options.retryAfterMs ?? RETRY_AFTER_MS;
  const host = new URL(file.url).host;
  let failures = 0;
  let reached = (await options.store.get(file.url))?.received ?? 0;
  for (;;) {
    try {
      return await attempt(file, options);
    } catch (error) {
      const record = await options.store.get(file.url);
      const received = record?.received ?? 0;
      if (options.signal?.aborted === true) throw cancelled(received, record?.total ?? file.bytes);
      if (!isPassing(error)) throw error;
      // A long download over a poor line may break off often, as long as each time more has come than ever before.
      if (received >= reached + STORE_EVERY_BYTES) failures = 0;
      reached = Math.max(reached, received);
      if (failures >= waits.length) {
        throw error instanceof BrokenConnection ? brokenOff(host, received, record?.total ?? null, error) : error;
      }
      await pause(waits[failures++], options.signal).catch(() => {
        throw cancelled(received, record?.total ?? file.bytes);
      });
    }
  }
}

/** Worth another attempt: the connection broke, nothing came, the server is busy. */
function isPassing(error: unknown): boolean {
  if (error instanceof BrokenConnection) return true;
  return (
    error instanceof Busy || (error instanceof TrainyardError && ['hub-unreachable', 'hub-silent'].includes(error.code))
  );
}

class Busy extends TrainyardError {}

async function attempt(file: RemoteFile, options: DownloadOptions): Promise<Downloaded> {
  const { store } = options;
  const kept = usable(await store.get(file.url), file);
  if (kept !== null && kept.received === kept.total)
    return { blob: await assemble(kept, file, options), sha256: file.sha256 };
  const from = kept?.received ?? 0;
  // With a range even for the whole, for then the answer is never compressed and its length is that of the file.
  const opened = await request(file.url, { headers: { Range: `bytes=${from}-` } }, options);
  try {
    const head = readHead(opened.response, from);
    const start = await begin(opened.response, head, kept, file, options);
    if (start !== null) {
      const record = await receive(opened, start, options);
      return { blob: await assemble(record, file, options), sha256: file.sha256 ?? head.sha256 };
    }
  } finally {
    opened.close();
  }
  await store.remove(file.url);
  return attempt(file, options);
}

/** What is here, unless nothing could tell whether the rest belongs to it. */
function usable(record: DownloadRecord | null, file: RemoteFile): DownloadRecord | null {
  return record !== null && record.received > 0 && (record.etag !== null || file.sha256 !== null) ? record : null;
}

/** The record that the answer's bytes are added to, or null when what is here is of another file and has to go. */
async function begin(
  response: Response,
  head: FileHead,
  kept: DownloadRecord | null,
  file: RemoteFile,
  options: DownloadOptions,
): Promise<DownloadRecord | null> {
  const { store, reference } = options;
  // "No such range": there is less on the server than here, or nothing at all.
  if (response.status === 416 && kept !== null) return null;
  if (response.status === 416) throw notAFile(reference, 'an empty file');
  if (!response.ok) throw refusal(response, options);
  if (file.bytes !== null && head.total !== null && head.total !== file.bytes) {
    await store.remove(file.url);
    throw wrongLength(reference, file.bytes, head.total);
  }
  const total = head.total ?? file.bytes;
  if (head.start === 0) return store.start({ url: file.url, etag: head.etag, total });
  if (kept === null) throw refusal(response, options);
  const same = head.start === kept.received && head.etag === kept.etag && total === kept.total;
  return same ? kept : null;
}

function refusal(response: Response, { reference, known = [] }: DownloadOptions): TrainyardError {
  const error = statusRefused(response, reference, known);
  const busy = response.status === 429 || response.status >= 500;
  return busy ? new Busy(error.code, error.message, error.hint) : error;
}

/** Stores what comes. When it ends early, by whatever, what has come is stored first. */
async function receive(opened: Opened, start: DownloadRecord, options: DownloadOptions): Promise<DownloadRecord> {
  const { store, onProgress } = options;
  let record = start;
  let pieces: Uint8Array<ArrayBuffer>[] = [];
  let waiting = 0;
  const flush = async (): Promise<void> => {
    if (waiting === 0) return;
    record = await store.append(record, concatenate(pieces, waiting));
    pieces = [];
    waiting = 0;
  };
  onProgress?.({ done: record.received, total: record.total });
  try {
    for (let piece = await opened.read(); piece !== null; piece = await opened.read()) {
      if (record.received + waiting === 0) checkBeginning(opened.response, piece, options.reference);
      pieces.push(piece);
      waiting += piece.length;
      if (record.total !== null && record.received + waiting > record.total) {
        const { total, received } = record;
        const found = received + waiting;
        waiting = 0;
        await store.remove(record.url);
        throw wrongLength(options.reference, total, found);
      }
      if (waiting >= STORE_EVERY_BYTES) await flush();
      onProgress?.({ done: record.received + waiting, total: record.total });
    }
  } finally {
    await flush();
  }
  // Without an announced length an end is an end; with one it came too early.
  if (record.total !== null && record.received < record.total) throw new BrokenConnection('The answer ended early.');
  return record;
}

function checkBeginning(response: Response, piece: Uint8Array, reference: string): void {
  if (looksLikePage(response.headers.get('content-type'), piece)) throw notAFile(reference, 'a web page');
  if (looksLikePointer(piece)) throw notAFile(reference, 'a pointer of Git LFS');
}

async function assemble(record: DownloadRecord, file: RemoteFile, options: DownloadOptions): Promise<Blob> {
  const blobs: Blob[] = [];
  for (let part = 0; part < record.parts; part++) {
    const bytes = await options.store.part(record.url, part);
    if (bytes !== null) blobs.push(new Blob([bytes]));
  }
  const blob = new Blob(blobs);
  const expected = file.bytes ?? record.total ?? record.received;
  if (blob.size !== expected) {
    await options.store.remove(record.url);
    throw wrongLength(options.reference, expected, blob.size);
  }
  return blob;
}

function concatenate(pieces: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    const abort = (): void => {
      clearTimeout(timer);
      reject(new Error('aborted'));
    };
    if (signal?.aborted === true) abort();
    signal?.addEventListener('abort', abort, { once: true });
  });
}
