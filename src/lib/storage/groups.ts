// Groups of runs: sweeps and cross-validations, each stored with the queue entries that are its runs to be.

import { TrainyardError } from '$lib/core/errors';
import type { GroupRecord, QueueRecord } from './records';
import type { Database } from './schema';
import { write } from './transaction';

/** The group and all its entries, or nothing. Throws 'project-missing'. */
export async function createGroup(
  database: Database,
  group: GroupRecord,
  entries: readonly QueueRecord[],
): Promise<void> {
  await write(database, ['projects', 'groups', 'queue'], async (transaction) => {
    if ((await transaction.objectStore('projects').get(group.projectId)) === undefined) {
      throw new TrainyardError(
        'project-missing',
        'The project of these runs is not in this browser.',
        'Open another project.',
      );
    }
    await transaction.objectStore('groups').add(group);
    await Promise.all(entries.map((entry) => transaction.objectStore('queue').add(entry)));
  });
}

/** Throws 'group-missing'. */
export async function getGroup(database: Database, id: string): Promise<GroupRecord> {
  return found(await database.get('groups', id));
}

/** Newest first. */
export async function listGroups(database: Database, projectId: string): Promise<GroupRecord[]> {
  const groups = await database.getAllFromIndex('groups', 'projectId', projectId);
  return groups.sort((a, b) => b.createdAt - a.createdAt);
}

/**
 * Ends a rung of successive halving and adds the entries of the next one, together. False, and nothing is changed, where the group
 * is not at this rung any more: another tab was first.
 */
export async function addRung(
  database: Database,
  id: string,
  { rungs, done, entries }: { rungs: number; done: GroupRecord['rungs'][number]; entries: readonly QueueRecord[] },
): Promise<boolean> {
  return write(database, ['groups', 'queue'], async (transaction) => {
    const group = found(await transaction.objectStore('groups').get(id));
    if (group.rungs.length !== rungs) return false;
    await transaction.objectStore('groups').put({ ...group, rungs: [...group.rungs, done] });
    await Promise.all(entries.map((entry) => transaction.objectStore('queue').add(entry)));
    return true;
  });
}

/** Deletes the group and its entries in the queue. Its runs stay, as runs of their own. */
export async function deleteGroup(database: Database, id: string): Promise<void> {
  await write(database, ['groups', 'queue', 'runs'], async (transaction) => {
    const { projectId } = found(await transaction.objectStore('groups').get(id));
    const queue = transaction.objectStore('queue');
    for (const entry of await queue.index('projectId').getAll(projectId)) {
      if (entry.groupId === id) await queue.delete(entry.id);
    }
    const runs = transaction.objectStore('runs');
    for (const run of await runs.index('projectId').getAll(projectId)) {
      if (run.groupId !== id) continue;
      const { groupId: _groupId, ...rest } = run;
      await runs.put(rest);
    }
    await transaction.objectStore('groups').delete(id);
  });
}

function found(group: GroupRecord | undefined): GroupRecord {
  if (group !== undefined) return group;
  throw new TrainyardError(
    'group-missing',
    'This sweep is not in this browser.',
    'It may have been deleted in another tab.',
  );
}
