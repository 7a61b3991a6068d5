// Projects: the outermost thing a person makes, renames and deletes.

import { TrainyardError } from '$lib/core/errors';
import { deleteRunRecords } from './runs';
import { usedBlobs } from './blobs';
import { STORE_NAMES, type Database } from './schema';
import type { ProjectRecord } from './records';
import { write } from './transaction';

export interface NewProject {
  name: string;
  task: string;
  sample?: boolean;
}

/** A project record that is not yet stored; `addProject` or an import stores it. */
export function newProject({ name, task, sample = false }: NewProject): ProjectRecord {
  const now = Date.now();
  return { id: crypto.randomUUID(), name: projectName(name), task, createdAt: now, updatedAt: now, sample };
}

export async function createProject(database: Database, project: NewProject): Promise<ProjectRecord> {
  const record = newProject(project);
  await write(database, ['projects'], (transaction) => transaction.objectStore('projects').add(record));
  return record;
}

/** Most recently changed first. */
export async function listProjects(database: Database): Promise<ProjectRecord[]> {
  const projects = await database.getAll('projects');
  return projects.sort((a, b) => b.updatedAt - a.updatedAt);
}

/** Throws 'project-missing'. */
export async function getProject(database: Database, id: string): Promise<ProjectRecord> {
  return found(await database.get('projects', id));
}

export async function renameProject(database: Database, id: string, name: string): Promise<ProjectRecord> {
  return write(database, ['projects'], async (transaction) => {
    const projects = transaction.objectStore('projects');
    const record = { ...found(await projects.get(id)), name: projectName(name), updatedAt: Date.now() };
    await projects.put(record);
    return record;
  });
}

/**
 * Deletes the project with its data sets, runs, events, checkpoints and evaluations, and the images that no other project uses,
 * in one transaction. Only ever called because the person asked for it.
 */
export async function deleteProject(database: Database, id: string): Promise<void> {
  await write(database, STORE_NAMES, async (transaction) => {
    const store = transaction.objectStore.bind(transaction);
    found(await store('projects').get(id));
    for (const key of await store('datasets').index('projectId').getAllKeys(id)) await store('datasets').delete(key);
    const freed = new Set<string>();
    for (const key of await store('versions').index('projectId').getAllKeys(id)) {
      for (const { blob } of (await store('items').get(key))?.items ?? []) freed.add(blob);
      await store('items').delete(key);
      await store('versions').delete(key);
    }
    for (const key of await store('runs').index('projectId').getAllKeys(id)) await deleteRunRecords(transaction, key);
    for (const key of await store('groups').index('projectId').getAllKeys(id)) await store('groups').delete(key);
    for (const key of await store('queue').index('projectId').getAllKeys(id)) await store('queue').delete(key);
    const used = await usedBlobs(store('items'));
    for (const hash of freed) {
      if (used.has(hash)) continue;
      // Not awaited one by one: 10,000 round trips would take seconds. The transaction waits for all.
      void store('blobs').delete(hash);
      void store('thumbnails').delete(hash);
    }
    await store('projects').delete(id);
  });
}

function found(project: ProjectRecord | undefined): ProjectRecord {
  if (project !== undefined) return project;
  throw new TrainyardError(
    'project-missing',
    'This project is not in this browser.',
    'Choose another on the home page.',
  );
}

function projectName(name: string): string {
  const trimmed = name.trim();
  if (trimmed !== '') return trimmed;
  throw new TrainyardError('project-name', 'A project needs a name.', 'Type at least one character.');
}
