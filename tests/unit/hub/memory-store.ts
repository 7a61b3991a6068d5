// A place for downloads in memory, for tests in Node, where there is no IndexedDB. tests/browser/hub has the real one.

import type { DownloadRecord } from '$lib/storage/records';
import type { DownloadStore } from '$lib/hub/contract';

export function memoryStore(): DownloadStore & { records: Map<string, DownloadRecord> } {
  const records = new Map<string, DownloadRecord>();
  const parts = new Map<string, Uint8Array<ArrayBuffer>[]>();
  return {
    records,
    get: (url) => Promise.resolve(records.get(url) ?? null),
    start(start) {
      const record = { ...start, received: 0, parts: 0, startedAt: 0 };
      records.set(start.url, record);
      parts.set(start.url, []);
      return Promise.resolve(record);
    },
    append(record, bytes) {
      const next = { ...record, received: record.received + bytes.length, parts: record.parts + 1 };
      records.set(record.url, next);
      parts.get(record.url)?.push(bytes);
      return Promise.resolve(next);
    },
    part: (url, part) => Promise.resolve(parts.get(url)?.[part] ?? null),
    remove(url) {
      records.delete(url);
      parts.delete(url);
      return Promise.resolve();
    },
  };
}
