// The queue of runs, of all projects together: there is one device. Who has the turn is decided in lib/queue.

import { TrainyardError } from '$lib/core/errors';
import type { QueueRecord } from './records';
import type { Database } from './schema';
import { write } from './transaction';

type Change = Partial<Omit<QueueRecord, 'id'>>;

/** In the order of their turns. */
export async function listQueue(database: Database, projectId?: string): Promise<QueueRecord[]> {
  const entries =
    projectId === undefined
      ? await database.getAll('queue')
      : await database.getAllFromIndex('queue', 'projectId', projectId);
  return entries.sort((a, b) => a.order - b.order || a.addedAt - b.addedAt);
}

export async function addToQueue(database: Database, entries: readonly QueueRecord[]): Promise<void> {
  await write(database, ['queue'], async (transaction) => {
    await Promise.all(entries.map((entry) => transaction.objectStore('queue').add(entry)));
  });
}

/** Gives an entry the turn; false where it does not wait any more: removed, cancelled, taken. */
export async function claimTurn(database: Database, id: string): Promise<boolean> {
  return write(database, ['queue'], async (transaction) => {
    const entry = await transaction.objectStore('queue').get(id);
    if (entry?.status !== 'waiting') return false;
    await transaction.objectStore('queue').put({ ...entry, status: 'running', notBefore: null });
    return true;
  });
}

/** Changes the fields given; an entry that was removed meanwhile stays removed, and null is returned. */
export async function updateEntry(database: Database, id: string, change: Change): Promise<QueueRecord | null> {
  return write(database, ['queue'], async (transaction) => {
    const entry = await transaction.objectStore('queue').get(id);
    if (entry === undefined) return null;
    const changed = { ...entry, ...change };
    await transaction.objectStore('queue').put(changed);
    return changed;
  });
}

/** New numbers of several entries, together. */
export async function reorderQueue(database: Database, orders: ReadonlyMap<string, number>): Promise<void> {
  if (orders.size === 0) return;
  await write(database, ['queue'], async (transaction) => {
    for (const [id, order] of orders) {
      const entry = await transaction.objectStore('queue').get(id);
      if (entry !== undefined) await transaction.objectStore('queue').put({ ...entry, order });
    }
  });
}

/** Those that wait will not be run. Returns how many there were. */
export async function cancelWaiting(database: Database, which: (entry: QueueRecord) => boolean): Promise<number> {
  return write(database, ['queue'], async (transaction) => {
    const entries = (await transaction.objectStore('queue').getAll()).filter(
      (entry) => entry.status === 'waiting' && which(entry),
    );
    for (const entry of entries) {
      await transaction.objectStore('queue').put({ ...entry, status: 'cancelled', notBefore: null });
    }
    return entries.length;
  });
}

/** Takes entries off the list; what they have trained stays. Throws 'queue-running' for one that has the turn. */
export async function removeFromQueue(database: Database, ids: readonly string[]): Promise<void> {
  await write(database, ['queue'], async (transaction) => {
    for (const id of ids) {
      const entry = await transaction.objectStore('queue').get(id);
      if (entry?.status === 'running') {
        throw new TrainyardError('queue-running', `"${entry.name}" is being trained.`, 'Stop it first.');
      }
      await transaction.objectStore('queue').delete(id);
    }
  });
}
