// A queue entry with all fields, for tests that care for few of them.
import type { QueueRecord } from '$lib/storage/records';

export function entry(change: Partial<QueueRecord> & { id: string }): QueueRecord {
  return {
    projectId: 'p',
    versionId: 'v',
    name: change.id,
    work: { kind: 'resume', runId: `run-${change.id}` },
    order: 1,
    status: 'waiting',
    runId: null,
    addedAt: 0,
    attempts: 0,
    notBefore: null,
    limits: { seconds: null },
    error: null,
    ...change,
  };
}
