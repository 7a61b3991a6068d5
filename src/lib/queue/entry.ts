// A new entry of the queue. Apart from jobs.ts, which knows all fields of a job and is loaded when a sweep is made.

import type { QueueRecord } from '$lib/storage/records';

/** An entry that waits; `work` is to be added. */
export function newEntry(
  of: Pick<QueueRecord, 'projectId' | 'versionId' | 'name' | 'order'> & { limits?: QueueRecord['limits'] },
  now = Date.now(),
): Omit<QueueRecord, 'work'> {
  return {
    limits: { seconds: null },
    ...of,
    id: crypto.randomUUID(),
    status: 'waiting',
    runId: null,
    addedAt: now,
    attempts: 0,
    notBefore: null,
    error: null,
  };
}
