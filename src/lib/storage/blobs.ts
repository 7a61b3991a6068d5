// Image files and thumbnails by the SHA-256 of the file: the same content is kept once, whoever uses it.

import { TrainyardError } from '$lib/core/errors';
import type { BlobRecord, ThumbnailRecord } from './records';
import type { Database, ItemsRecord } from './schema';
import { write } from './transaction';

/** One import at a time in all tabs: what another has stored but not yet named must not look like an orphan. */
export const IMPORT_LOCK = 'trainyard-import';

/**
 * Keeps what is not there yet, in one transaction; returns the hashes that were new. Durability is relaxed: the records that
 * name the blobs are written strictly afterwards, by which time these are on the disk too.
 */
export async function putBlobs(
  database: Database,
  blobs: readonly BlobRecord[],
  thumbnails: readonly ThumbnailRecord[] = [],
): Promise<string[]> {
  if (blobs.length === 0) return [];
  const stores = ['blobs', 'thumbnails'] as const;
  return write(
    database,
    stores,
    async (transaction) => {
      const store = transaction.objectStore('blobs');
      const keys = await Promise.all(blobs.map(({ hash }) => store.getKey(hash)));
      const added = new Set<string>();
      const writes: Promise<unknown>[] = [];
      blobs.forEach((blob, i) => {
        if (keys[i] !== undefined || added.has(blob.hash)) return;
        added.add(blob.hash);
        writes.push(store.put(blob));
      });
      for (const thumbnail of thumbnails) {
        if (added.has(thumbnail.hash)) writes.push(transaction.objectStore('thumbnails').put(thumbnail));
      }
      await Promise.all(writes);
      return [...added];
    },
    { durability: 'relaxed', announced: false },
  );
}

/** The file as it was imported. Throws 'blob-missing'. */
export async function getBlob(database: Database, hash: string): Promise<Blob> {
  const record = await database.get('blobs', hash);
  if (record === undefined) throw missing(hash);
  return new Blob([record.bytes], { type: record.mime });
}

/** Several at once, in the order asked for, in one transaction. Throws 'blob-missing'. */
export async function getBlobs(database: Database, hashes: readonly string[]): Promise<Blob[]> {
  const store = database.transaction('blobs').store;
  const records = await Promise.all(hashes.map((hash) => store.get(hash)));
  return records.map((record, i) => {
    if (record === undefined) throw missing(hashes[i]);
    return new Blob([record.bytes], { type: record.mime });
  });
}

/** For the gallery: the thumbnail, or the image itself where it is small; null where it is gone. In one transaction. */
export async function getThumbnailRecords(
  database: Database,
  hashes: readonly string[],
): Promise<(ThumbnailRecord | null)[]> {
  const transaction = database.transaction(['thumbnails', 'blobs']);
  return Promise.all(
    hashes.map(
      async (hash) =>
        (await transaction.objectStore('thumbnails').get(hash)) ??
        (await transaction.objectStore('blobs').get(hash)) ??
        null,
    ),
  );
}

/** As {@link getThumbnailRecords}, as blobs. */
export async function getThumbnails(database: Database, hashes: readonly string[]): Promise<(Blob | null)[]> {
  const records = await getThumbnailRecords(database, hashes);
  return records.map((record) => (record === null ? null : new Blob([record.bytes], { type: record.mime })));
}

/** Which of `hashes` are not kept. Reads keys only. */
export async function missingBlobs(
  store: { getAllKeys(): Promise<string[]> },
  hashes: Iterable<string>,
): Promise<string[]> {
  const kept = new Set(await store.getAllKeys());
  return [...new Set(hashes)].filter((hash) => !kept.has(hash));
}

/** Every blob that some data set version names. */
export async function usedBlobs(items: AsyncIterable<{ value: ItemsRecord }>): Promise<Set<string>> {
  const used = new Set<string>();
  for await (const cursor of items) {
    for (const { blob } of cursor.value.items) used.add(blob);
  }
  return used;
}

/**
 * Deletes blobs that no data set version names: all of them, or of `candidates`. They are left by an import that was
 * cancelled, failed or cut off by a closed tab, so an import must not be running elsewhere (see data/import.ts).
 * Returns how many were deleted.
 */
export async function deleteOrphanBlobs(database: Database, candidates?: Iterable<string>): Promise<number> {
  return write(
    database,
    ['items', 'blobs', 'thumbnails'],
    async (transaction) => {
      const blobs = transaction.objectStore('blobs');
      const hashes = candidates === undefined ? await blobs.getAllKeys() : [...new Set(candidates)];
      if (hashes.length === 0) return 0;
      const used = await usedBlobs(transaction.objectStore('items'));
      const orphans = hashes.filter((hash) => !used.has(hash));
      await Promise.all(
        orphans.flatMap((hash) => [blobs.delete(hash), transaction.objectStore('thumbnails').delete(hash)]),
      );
      return orphans.length;
    },
    { announced: false },
  );
}

function missing(hash: string): TrainyardError {
  return new TrainyardError(
    'blob-missing',
    `An image of this data set (content ${hash.slice(0, 12)}) is no longer in the browser's storage.`,
    'Import the images again.',
  );
}
