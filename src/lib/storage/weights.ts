// Weights from elsewhere, kept as the files that they were, in parts. Knows nothing of what is in them.

import { TrainyardError } from '$lib/core/errors';
import { createSha256 } from '$lib/core/sha256';
import type { WeightsSource } from '$lib/interchange/weights/contract';
import type { WeightsRecord } from './records';
import type { Database } from './schema';
import { write, type WriteTransaction } from './transaction';

/** A file of 100 MB as one record would be copied as a whole between processes, several times over. */
export const WEIGHTS_PART_BYTES = 16 * 1024 * 1024;
/** One addition at a time in all tabs: what belongs to no record is then certainly left over. */
const LOCK = 'trainyard-weights';
/** Up to here the browser's digest, which wants everything at once, is worth the memory: it is some ten times as fast. */
const DIGEST_AT_ONCE = 256e6;

export interface NewWeights {
  record: Omit<WeightsRecord, 'files'>;
  files: readonly WeightsSource[];
}

/** SHA-256 over the contents in the order of their paths, hex: of a single file it is what `sha256sum` prints. */
export async function weightsId(files: readonly WeightsSource[]): Promise<string> {
  const whole = new Blob(inOrder(files).map(({ blob }) => blob));
  if (whole.size <= DIGEST_AT_ONCE) {
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await whole.arrayBuffer()));
    return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  }
  const hasher = createSha256();
  for (let at = 0; at < whole.size; at += WEIGHTS_PART_BYTES) {
    hasher.update(await bytesAt(whole, at));
  }
  return hasher.digest();
}

/**
 * Keeps the files under `record.id`, which {@link weightsId} gives. Content that is there already gets the new sources; a source that
 * named other weights until now names these from now on. Nothing is kept when it fails ('storage-full').
 */
export async function addWeights(database: Database, { record, files }: NewWeights): Promise<WeightsRecord> {
  return navigator.locks.request(LOCK, async () => {
    const known = await database.get('weights', record.id);
    if (known !== undefined) return mergeSources(database, known, record);
    await deleteOrphans(database);
    const described = inOrder(files).map(({ path, blob }) => ({
      path,
      bytes: blob.size,
      parts: Math.ceil(blob.size / WEIGHTS_PART_BYTES),
    }));
    try {
      await writeParts(database, record.id, inOrder(files));
      const added: WeightsRecord = { ...record, files: described };
      await write(database, ['weights'], async (transaction) => {
        await releaseSources(transaction, added);
        await transaction.objectStore('weights').add(added);
      });
      return added;
    } catch (error) {
      await deleteOrphans(database).catch(() => undefined);
      throw error;
    }
  });
}

/** A transaction for each part: more of them at once would be in memory at once. */
async function writeParts(database: Database, id: string, files: readonly WeightsSource[]): Promise<void> {
  for (const [file, { blob }] of files.entries()) {
    for (let at = 0, part = 0; at < blob.size; at += WEIGHTS_PART_BYTES, part++) {
      const bytes = await bytesAt(blob, at);
      await write(
        database,
        ['weightsParts'],
        (transaction) => transaction.objectStore('weightsParts').put({ id, file, part, bytes }),
        // The record, without which nobody reads them, is written strictly afterwards.
        { durability: 'relaxed', announced: false },
      );
    }
  }
}

/** The name and licence of the first time stay; what was unknown then is filled in. */
async function mergeSources(
  database: Database,
  known: WeightsRecord,
  again: Omit<WeightsRecord, 'files'>,
): Promise<WeightsRecord> {
  return write(database, ['weights'], async (transaction) => {
    const merged: WeightsRecord = {
      ...known,
      sources: [...new Set([...known.sources, ...again.sources])],
      usedAt: Math.max(known.usedAt, again.usedAt),
      preprocess: known.preprocess ?? again.preprocess,
      classes: known.classes ?? again.classes,
      licence: known.licence ?? again.licence,
      // What a reader makes of a file may have improved since.
      format: again.format,
      architecture: again.architecture,
    };
    await releaseSources(transaction, merged);
    await transaction.objectStore('weights').put(merged);
    return merged;
  });
}

/** A name stands for one content only: the file of that path, the hub's file, has changed. */
async function releaseSources(transaction: WriteTransaction<['weights']>, owner: WeightsRecord): Promise<void> {
  const weights = transaction.objectStore('weights');
  for (const other of await weights.getAll()) {
    if (other.id === owner.id) continue;
    const sources = other.sources.filter((source) => !owner.sources.includes(source));
    if (sources.length < other.sources.length) await weights.put({ ...other, sources });
  }
}

/** Parts of an addition that a closed tab cut off. Only under the lock. */
async function deleteOrphans(database: Database): Promise<void> {
  await write(
    database,
    ['weights', 'weightsParts'],
    async (transaction) => {
      const kept = new Set(await transaction.objectStore('weights').getAllKeys());
      const parts = transaction.objectStore('weightsParts');
      const left = new Set((await parts.getAllKeys()).map(([id]) => id).filter((id) => !kept.has(id)));
      await Promise.all([...left].map((id) => parts.delete(partsOf(id))));
    },
    { announced: false },
  );
}

/** Used last comes first. */
export async function listWeights(database: Database): Promise<WeightsRecord[]> {
  const records = await database.getAll('weights');
  return records.sort((a, b) => b.usedAt - a.usedAt);
}

/** By 'sha256:<id>' or by one of their sources; null where there are none of that name. */
export async function findWeights(database: Database, reference: string): Promise<WeightsRecord | null> {
  const id = /^sha256:([0-9a-f]{64})$/i.exec(reference)?.[1]?.toLowerCase();
  if (id !== undefined) return (await database.get('weights', id)) ?? null;
  const records = await listWeights(database);
  return records.find(({ sources }) => sources.includes(reference)) ?? null;
}

/** Throws 'weights-missing'. */
export async function getWeights(database: Database, id: string): Promise<WeightsRecord> {
  const record = await database.get('weights', id);
  if (record === undefined) throw missing(id);
  return record;
}

/**
 * The files as they were, as blobs: one part at a time passes through memory, the browser keeps the rest where it likes.
 * Throws 'weights-missing'.
 */
export async function weightsFiles(database: Database, id: string): Promise<WeightsSource[]> {
  const { files } = await getWeights(database, id);
  const sources: WeightsSource[] = [];
  for (const [file, { path, parts, bytes }] of files.entries()) {
    const blobs: Blob[] = [];
    for (let part = 0; part < parts; part++) {
      const record = await database.get('weightsParts', [id, file, part]);
      if (record === undefined) throw missing(id);
      blobs.push(new Blob([record.bytes]));
    }
    const blob = new Blob(blobs);
    if (blob.size !== bytes) throw missing(id);
    sources.push({ path, blob });
  }
  return sources;
}

/** They were used now. Does nothing for weights that are gone. */
export async function touchWeights(database: Database, id: string): Promise<void> {
  await write(database, ['weights'], async (transaction) => {
    const weights = transaction.objectStore('weights');
    const record = await weights.get(id);
    if (record !== undefined) await weights.put({ ...record, usedAt: Date.now() });
  });
}

/**
 * Deletes the weights. Runs that began with them have their own copy; those whose features an ONNX file computes do not, so for
 * them it throws 'weights-in-use'. Only ever called because the person asked for it.
 */
export async function removeWeights(database: Database, id: string): Promise<void> {
  await write(database, ['weights', 'weightsParts', 'runs'], async (transaction) => {
    const runs = await transaction.objectStore('runs').getAll();
    const users = runs.filter(({ extractor }) => extractor?.weightsId === id);
    if (users.length > 0) {
      const names = users.map(({ name }) => `"${name}"`).join(', ');
      throw new TrainyardError(
        'weights-in-use',
        `These weights compute the features of ${users.length === 1 ? 'the run' : `${users.length} runs,`} ${names}.`,
        'Delete those runs first, or keep the weights.',
      );
    }
    await transaction.objectStore('weights').delete(id);
    await transaction.objectStore('weightsParts').delete(partsOf(id));
  });
}

function partsOf(id: string): IDBKeyRange {
  return IDBKeyRange.bound([id, 0, 0], [id, Infinity, Infinity]);
}

function inOrder(files: readonly WeightsSource[]): WeightsSource[] {
  return files.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

async function bytesAt(blob: Blob, at: number): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await blob.slice(at, at + WEIGHTS_PART_BYTES).arrayBuffer());
}

function missing(id: string): TrainyardError {
  return new TrainyardError(
    'weights-missing',
    `The weights with the content ${id.slice(0, 12)} are not in this browser.`,
    'Give the file again or download it again.',
  );
}
