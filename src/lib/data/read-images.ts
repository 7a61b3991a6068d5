// The busy part of an import: files in, blobs and measurements out, a bounded number of bytes at a time.

import { TrainyardError, serializeError } from '$lib/core/errors';
import type { Inspect, Inspection } from '$lib/pipeline/inspection';
import type { BlobRecord, DataProblem, ThumbnailRecord } from '$lib/storage/records';
import type { ImportEvent } from './contract';
import { fileKind } from './files';
import type { ImageEntry } from './formats/format';
import { readImageHeader } from './image-header';
import { momentsOfSums, type ChannelMoments, type MeasuredImage } from './moments';

/** Files in one message to a decoder and one transaction: a message costs about as much as decoding one 32-pixel JPEG. */
const BATCH_FILES = 32;
/** Photos: fewer a batch, so that all decoders get some. */
const BATCH_BYTES = 4e6;
/** Batches under way. Two decoders work while the next batches are read and the last are stored. */
const BATCHES_AHEAD = 6;
const PROGRESS_EVERY_MS = 100;

export interface ReadImage {
  hash: string;
  bytes: number;
  width: number;
  height: number;
  moments: ChannelMoments;
}

export interface ReadTools {
  inspect: Inspect;
  /** Stores; the bytes are not used afterwards. */
  keep(blobs: readonly BlobRecord[], thumbnails: readonly ThumbnailRecord[]): Promise<void>;
  onEvent(event: ImportEvent): void;
  signal?: AbortSignal;
}

/**
 * Reads all entries. `images[i]` is null where entry i cannot be read, and `unreadable` says why. Rejects when storing fails
 * or the signal is aborted, after what was under way has ended.
 */
export async function readImages(
  entries: readonly ImageEntry[],
  tools: ReadTools,
): Promise<{ images: readonly (ReadImage | null)[]; unreadable: DataProblem[] }> {
  const images = new Array<ReadImage | null>(entries.length).fill(null);
  const failures = new Map<number, DataProblem>();
  const progress = progressTeller(entries.length, tools.onEvent);
  const underWay = new Set<Promise<void>>();
  let failed: { error: unknown } | null = null;

  const fail = (index: number, problem: DataProblem) => {
    failures.set(index, problem);
    tools.onEvent({ type: 'problem', problem });
  };
  const finish = async (batch: readonly Candidate[]): Promise<void> => {
    const read = await checkBatch(batch, tools, ({ index, path }, reason) => {
      fail(index, { kind: 'unreadable', path, reason });
    });
    for (const { index, image } of read) images[index] = image;
    progress(batch.length, failures.size);
  };

  try {
    for await (const batch of batches(entries, fail, tools.signal)) {
      const work: Promise<void> = finish(batch)
        .catch((error: unknown) => {
          failed ??= { error };
        })
        .finally(() => underWay.delete(work));
      underWay.add(work);
      if (underWay.size >= BATCHES_AHEAD) await Promise.race(underWay);
      if (failed !== null) break;
    }
  } finally {
    await Promise.all(underWay);
  }
  rethrow(failed);
  progress(0, failures.size, true);
  const unreadable = [...failures].sort(([a], [b]) => a - b).map(([, problem]) => problem);
  return { images, unreadable };
}

/** A function of its own: the compiler cannot see that callbacks assign `failed`. */
function rethrow(failed: { error: unknown } | null): void {
  if (failed !== null) throw failed.error;
}

/** A file whose bytes are here; `header` is null where they are no image that could be decoded. */
interface Candidate {
  index: number;
  path: string;
  bytes: Uint8Array<ArrayBuffer> | null;
  mime: string;
  measured: MeasuredImage | null;
}

/** Reads files in their order. A file that cannot be read is reported and stays in its batch without bytes. */
async function* batches(
  entries: readonly ImageEntry[],
  fail: (index: number, problem: DataProblem) => void,
  signal: AbortSignal | undefined,
): AsyncGenerator<Candidate[]> {
  let batch: Candidate[] = [];
  let bytes = 0;
  for (let index = 0; index < entries.length; index++) {
    signal?.throwIfAborted();
    const candidate = await readCandidate(entries[index], index, fail);
    batch.push(candidate);
    bytes += candidate.bytes?.length ?? 0;
    if (batch.length < BATCH_FILES && bytes < BATCH_BYTES) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

async function readCandidate(
  entry: ImageEntry,
  index: number,
  fail: (index: number, problem: DataProblem) => void,
): Promise<Candidate> {
  const nothing: Candidate = { index, path: entry.path, bytes: null, mime: '', measured: null };
  try {
    const { bytes, measured = null } = await entry.load();
    const result = readImageHeader(bytes);
    if (result.ok) return { index, path: entry.path, bytes, mime: result.header.mime, measured };
    // A file without an image's name or content was never meant as one.
    const meant = result.image || fileKind(entry.path) === 'image';
    fail(index, { kind: meant ? 'unreadable' : 'skipped', path: entry.path, reason: result.reason });
    return nothing;
  } catch (error) {
    const { message } = serializeError(error);
    // Else it is the browser, whose file was moved or changed since it was dropped.
    const reason = error instanceof TrainyardError ? message : `the file could not be read (${message})`;
    fail(index, { kind: 'unreadable', path: entry.path, reason });
    return nothing;
  }
}

async function checkBatch(
  batch: readonly Candidate[],
  { inspect, keep }: ReadTools,
  fail: (candidate: Candidate, reason: string) => void,
): Promise<{ index: number; image: ReadImage }[]> {
  const readable = batch.flatMap((item) => (item.bytes === null ? [] : [{ ...item, bytes: item.bytes }]));
  const unproven = readable.filter(({ measured }) => measured === null);
  const [hashes, inspections] = await Promise.all([
    Promise.all(readable.map(({ bytes }) => sha256(bytes))),
    unproven.length === 0 ? [] : inspect(unproven.map(({ bytes, mime }) => new Blob([bytes], { type: mime }))),
  ]);
  const inspected = new Map(unproven.map(({ index }, i) => [index, inspections[i]]));
  const blobs: BlobRecord[] = [];
  const thumbnails: ThumbnailRecord[] = [];
  const read: { index: number; image: ReadImage }[] = [];
  readable.forEach((candidate, i) => {
    const { index, bytes, mime, measured } = candidate;
    const outcome = measured === null ? measure(inspected.get(index)) : { ...measured, thumbnail: undefined };
    if ('reason' in outcome) {
      fail(candidate, outcome.reason);
      return;
    }
    const { width, height, moments, thumbnail } = outcome;
    const hash = hashes[i];
    blobs.push({ hash, mime, bytes });
    if (thumbnail !== undefined) thumbnails.push({ hash, ...thumbnail });
    read.push({ index, image: { hash, bytes: bytes.length, width, height, moments } });
  });
  await keep(blobs, thumbnails);
  return read;
}

function measure(
  inspection: Inspection | undefined,
): (MeasuredImage & { thumbnail?: Omit<ThumbnailRecord, 'hash'> }) | { reason: string } {
  if (inspection === undefined) throw new Error('A decoder answered for fewer images than it was given.');
  if (!inspection.ok) return { reason: inspection.reason };
  const { width, height, sums, squares, pixels, thumbnail } = inspection;
  return { width, height, moments: momentsOfSums(sums, squares, pixels), thumbnail };
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Tells of `more` done images, about ten times a second and at the end. */
function progressTeller(
  total: number,
  onEvent: ReadTools['onEvent'],
): (more: number, unreadable: number, last?: boolean) => void {
  const started = performance.now();
  let told = -Infinity;
  let done = 0;
  return (more, unreadable, last = false) => {
    done += more;
    const now = performance.now();
    if (!last && now - told < PROGRESS_EVERY_MS) return;
    told = now;
    const perSecond = done / Math.max(1e-3, (now - started) / 1000);
    const secondsLeft = perSecond > 0 ? (total - done) / perSecond : Infinity;
    onEvent({ type: 'progress', done, total, perSecond, secondsLeft, unreadable });
  };
}
