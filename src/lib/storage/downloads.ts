// What has come of a download, so that it can be gone on with later. Knows nothing of servers.

import type { DownloadRecord } from './records';
import type { Database } from './schema';
import { write } from './transaction';

export async function getDownload(database: Database, url: string): Promise<DownloadRecord | null> {
  return (await database.get('downloads', url)) ?? null;
}

/** The one that began last comes first. */
export async function listDownloads(database: Database): Promise<DownloadRecord[]> {
  const records = await database.getAll('downloads');
  return records.sort((a, b) => b.startedAt - a.startedAt);
}

/** From nothing: what had come of this address is forgotten. */
export async function startDownload(
  database: Database,
  start: Pick<DownloadRecord, 'url' | 'etag' | 'total'>,
): Promise<DownloadRecord> {
  const record: DownloadRecord = { ...start, received: 0, parts: 0, startedAt: Date.now() };
  await write(database, ['downloads', 'downloadParts'], async (transaction) => {
    await transaction.objectStore('downloadParts').delete(partsOf(start.url));
    await transaction.objectStore('downloads').put(record);
  });
  return record;
}

/** Adds the next bytes. Bytes and count are one write, so that they always agree. */
export async function appendDownload(
  database: Database,
  record: DownloadRecord,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<DownloadRecord> {
  const next = { ...record, received: record.received + bytes.length, parts: record.parts + 1 };
  await write(
    database,
    ['downloads', 'downloadParts'],
    async (transaction) => {
      await transaction.objectStore('downloadParts').put({ url: record.url, part: record.parts, bytes });
      await transaction.objectStore('downloads').put(next);
    },
    // A power cut may cost the last part; the bytes come again.
    { durability: 'relaxed', announced: false },
  );
  return next;
}

/** The bytes of one part; null where it is gone. */
export async function downloadPart(
  database: Database,
  url: string,
  part: number,
): Promise<Uint8Array<ArrayBuffer> | null> {
  return (await database.get('downloadParts', [url, part]))?.bytes ?? null;
}

export async function removeDownload(database: Database, url: string): Promise<void> {
  await write(database, ['downloads', 'downloadParts'], async (transaction) => {
    await transaction.objectStore('downloadParts').delete(partsOf(url));
    await transaction.objectStore('downloads').delete(url);
  });
}

function partsOf(url: string): IDBKeyRange {
  return IDBKeyRange.bound([url, 0], [url, Infinity]);
}
