// Features of frozen backbones, kept in rows that are only ever appended: what was computed before an interruption is not computed
// again. Knows nothing of how they come about; the key says what they depend on (see training/feature-key.ts).

import type { FeatureCacheRecord, FeatureChunkRecord } from './records';
import type { Database } from './schema';
import { write } from './transaction';

export type FeatureRows = Omit<FeatureChunkRecord, 'key' | 'chunk'>;

/**
 * Adds rows, and the cache itself where it is not there yet, in one transaction. Durability is relaxed: rows that a power cut takes
 * are computed again. Throws 'storage-full'.
 */
export async function appendFeatures(
  database: Database,
  cache: Pick<FeatureCacheRecord, 'key' | 'title' | 'width'>,
  rows: FeatureRows,
): Promise<void> {
  const { key } = cache;
  const bytes = rows.features.byteLength;
  await write(
    database,
    ['featureCaches', 'featureChunks'],
    async (transaction) => {
      const caches = transaction.objectStore('featureCaches');
      const chunks = transaction.objectStore('featureChunks');
      const now = Date.now();
      const known = (await caches.get(key)) ?? { ...cache, vectors: 0, bytes: 0, createdAt: now, usedAt: now };
      const last = await chunks.openKeyCursor(chunksOf(key), 'prev');
      await chunks.add({ key, chunk: last === null ? 0 : last.key[1] + 1, ...rows });
      const vectors = known.vectors + rows.blobs.length;
      await caches.put({ ...known, vectors, bytes: known.bytes + bytes, usedAt: now });
    },
    { durability: 'relaxed' },
  );
}

/** Calls back with every chunk of a cache, in the order in which they were added; one at a time is in memory. */
export async function readFeatures(
  database: Database,
  key: string,
  visit: (chunk: FeatureChunkRecord) => void,
): Promise<void> {
  for await (const cursor of database.transaction('featureChunks').store.iterate(chunksOf(key))) visit(cursor.value);
}

/** Used last comes first. */
export async function listFeatureCaches(database: Database): Promise<FeatureCacheRecord[]> {
  const caches = await database.getAll('featureCaches');
  return caches.sort((a, b) => b.usedAt - a.usedAt);
}

export async function getFeatureCache(database: Database, key: string): Promise<FeatureCacheRecord | null> {
  return (await database.get('featureCaches', key)) ?? null;
}

/** It was used now. Does nothing for a cache that is gone. */
export async function touchFeatureCache(database: Database, key: string): Promise<void> {
  await write(database, ['featureCaches'], async (transaction) => {
    const caches = transaction.objectStore('featureCaches');
    const cache = await caches.get(key);
    if (cache !== undefined) await caches.put({ ...cache, usedAt: Date.now() });
  });
}

/** Deletes a cache. No run needs it: the next one that would use it computes the features again. */
export async function removeFeatureCache(database: Database, key: string): Promise<void> {
  await write(database, ['featureCaches', 'featureChunks'], async (transaction) => {
    await transaction.objectStore('featureCaches').delete(key);
    await transaction.objectStore('featureChunks').delete(chunksOf(key));
  });
}

function chunksOf(key: string): IDBKeyRange {
  return IDBKeyRange.bound([key, 0], [key, Infinity]);
}
