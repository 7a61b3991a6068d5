// Several decode workers as one. What they make does not depend on how many they are; see loader.ts for the order of things.

import { TrainyardError } from '$lib/core/errors';
import type { Inspection } from './inspection';
import { THUMBNAIL_SIDE } from './inspection';
import type { Ask, ReadBlobs } from './messages';
import { createService, type ServiceParts } from './service';
import { openLink, type Link } from './wire';

export interface DecodePool {
  /** Number of threads; item i of a loader belongs to thread i % size. */
  readonly size: number;
  /** Calls one of them. */
  thread(index: number): Ask;
  /** Decodes files and tells what is in them; see {@link Inspection}. Order is kept; only a pool that cannot work throws. */
  inspect(files: readonly Blob[], options?: { thumbnailSide?: number }): Promise<Inspection[]>;
  /** Ends the threads; what is under way is rejected with `pool-closed`. */
  dispose(): void;
}

export interface PoolOptions {
  /** Starts workers/decode.ts; workers/spawn-decode.ts has it. */
  spawn: () => Worker;
  /** Default: {@link defaultThreads}. */
  threads?: number;
  /** Where encoded images come from. Default: the worker reads the browser's database itself. */
  readBlobs?: ReadBlobs;
  /** Default one minute: longer than any single image takes, shorter than a person's patience. */
  silenceMs?: number;
}

/** One thread less than the machine has, which the trainer needs; more than 8 only wait for memory. */
export function defaultThreads(cores: number = globalThis.navigator?.hardwareConcurrency ?? 2): number {
  return Math.min(8, Math.max(1, cores - 1));
}

/** Workers start at once. */
export function createPool(options: PoolOptions): DecodePool {
  const { spawn, threads = defaultThreads(), readBlobs, silenceMs = 60_000 } = options;
  const open = () => openLink({ spawn, readBlobs, silenceMs });
  const links: Link[] = Array.from({ length: threads }, open);
  let closed = false;

  /** One thread's share of an inspection: a worker that fails over a file is replaced and the file named. */
  async function inspectOn(thread: number, files: readonly Blob[], thumbnailSide: number): Promise<Inspection[]> {
    try {
      return await links[thread].ask('inspect', { files, thumbnailSide });
    } catch (error) {
      // Any other error is ours; a worker that never started will not start for the next file either.
      const failed = error instanceof TrainyardError && ['worker-failed', 'worker-silent'].includes(error.code);
      if (!failed || closed) throw error;
      if (!links[thread].alive) links[thread] = open();
      if (files.length === 1) return [{ ok: false, reason: 'the image decoder failed over it' }];
      const results: Inspection[] = [];
      for (const file of files) results.push(...(await inspectOn(thread, [file], thumbnailSide)));
      return results;
    }
  }

  return {
    size: threads,
    thread: (index) => (name, parameters) => links[index].ask(name, parameters),
    inspect: (files, { thumbnailSide = THUMBNAIL_SIDE } = {}) =>
      inParallel(threads, files, (thread, chunk) => inspectOn(thread, chunk, thumbnailSide)),
    dispose() {
      closed = true;
      for (const link of links)
        link.end(new TrainyardError('pool-closed', 'The image decoders were ended.', '', { badInput: false }));
    },
  };
}

// A message per 16 files: the message costs a tenth of a millisecond, a small image half of one.
const FILES_PER_CALL = 16;

/** Hands chunks of the files to whichever thread is free; results in the files' order. */
async function inParallel(
  threads: number,
  files: readonly Blob[],
  work: (thread: number, chunk: readonly Blob[]) => Promise<Inspection[]>,
): Promise<Inspection[]> {
  // Few files are spread over all threads.
  const size = Math.max(1, Math.min(FILES_PER_CALL, Math.ceil(files.length / threads)));
  const results: Inspection[] = new Array<Inspection>(files.length);
  let next = 0;
  const lanes = Array.from({ length: threads }, async (_, thread) => {
    while (next < files.length) {
      const start = next;
      next += size;
      const inspected = await work(thread, files.slice(start, start + size));
      inspected.forEach((inspection, i) => (results[start + i] = inspection));
    }
  });
  await Promise.all(lanes);
  return results;
}

/** The same work in the calling thread: for tests, for a few images, where a worker would not pay. */
export function inlinePool(parts: ServiceParts): DecodePool {
  const ask = createService(parts);
  return {
    size: 1,
    thread: () => ask,
    inspect: (files, { thumbnailSide = THUMBNAIL_SIDE } = {}) => ask('inspect', { files, thumbnailSide }),
    dispose: () => undefined,
  };
}
