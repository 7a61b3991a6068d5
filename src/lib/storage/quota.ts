// How much the browser lets us keep, what takes it, and what is said when it is full. Deletes nothing, ever.

import { TrainyardError } from '$lib/core/errors';
import { formatBytes } from '$lib/core/format';
import type { Database } from './schema';

export interface StorageUsage {
  usedBytes: number;
  /** What the browser would grant at most; 0 where it does not say. */
  grantedBytes: number;
  /** The browser promised not to clear it under disk pressure. */
  persisted: boolean;
}

export interface ProjectSpace {
  projectId: string;
  name: string;
  /** Images and thumbnails that no other project uses, and all checkpoints. */
  bytes: number;
  imageBytes: number;
  checkpointBytes: number;
  images: number;
}

export async function usage(): Promise<StorageUsage> {
  const [estimate, persisted] = await Promise.all([navigator.storage.estimate(), navigator.storage.persisted()]);
  return { usedBytes: estimate.usage ?? 0, grantedBytes: estimate.quota ?? 0, persisted };
}

/** What each project would free, largest first. Reads the items of every data set version: not for every frame. */
export async function spaceByProject(database: Database): Promise<ProjectSpace[]> {
  const transaction = database.transaction(['projects', 'versions', 'items', 'runs', 'checkpoints']);
  const projects = await transaction.objectStore('projects').getAll();
  const projectOfVersion = new Map<string, string>();
  for (const version of await transaction.objectStore('versions').getAll()) {
    projectOfVersion.set(version.id, version.projectId);
  }
  const blobs = new Map<string, { bytes: number; projects: Set<string> }>();
  for await (const cursor of transaction.objectStore('items')) {
    const projectId = projectOfVersion.get(cursor.value.versionId);
    if (projectId === undefined) continue;
    for (const item of cursor.value.items) {
      const blob = blobs.get(item.blob);
      if (blob === undefined) blobs.set(item.blob, { bytes: item.bytes, projects: new Set([projectId]) });
      else blob.projects.add(projectId);
    }
  }
  const spaces = new Map<string, ProjectSpace>();
  for (const { id, name } of projects) {
    spaces.set(id, { projectId: id, name, bytes: 0, imageBytes: 0, checkpointBytes: 0, images: 0 });
  }
  for (const { bytes, projects: users } of blobs.values()) {
    const [only, ...others] = users;
    const space = others.length === 0 ? spaces.get(only) : undefined;
    if (space === undefined) continue;
    space.imageBytes += bytes;
    space.images++;
  }
  const projectOfRun = new Map<string, string>();
  for (const run of await transaction.objectStore('runs').getAll()) projectOfRun.set(run.id, run.projectId);
  for (const checkpoint of await transaction.objectStore('checkpoints').getAll()) {
    const space = spaces.get(projectOfRun.get(checkpoint.runId) ?? '');
    if (space !== undefined) space.checkpointBytes += checkpoint.bytes;
  }
  return [...spaces.values()]
    .map((space) => ({ ...space, bytes: space.imageBytes + space.checkpointBytes }))
    .sort((a, b) => b.bytes - a.bytes);
}

/** Anything a write threw, as our error: 'storage-full' for the quota, 'storage-closed' for a lost connection. */
export async function storageError(database: Database, error: unknown): Promise<unknown> {
  const name = error instanceof DOMException ? error.name : '';
  if (name === 'QuotaExceededError') return fullError(database, error);
  if (name === 'InvalidStateError') {
    return new TrainyardError(
      'storage-closed',
      'The connection to the database was closed, so this was not saved.',
      'Reload the page.',
      { cause: error },
    );
  }
  return error;
}

async function fullError(database: Database, cause: unknown): Promise<TrainyardError> {
  const { usedBytes, grantedBytes } = await usage();
  // The error must reach the person even when the database cannot be read any more.
  const [largest] = await spaceByProject(database).catch(() => []);
  const candidate =
    largest === undefined || largest.bytes === 0
      ? ''
      : ` Deleting the project "${largest.name}" would free ${formatBytes(largest.bytes)}.`;
  return new TrainyardError(
    'storage-full',
    // The disk may be full long before the bytes that the browser would grant are used.
    `The browser has no more room for this page (${formatBytes(usedBytes)} used, ${formatBytes(grantedBytes)} the most it would grant), so this was not saved; nothing that was saved before is lost.`,
    `Free disk space or delete a project that you no longer need.${candidate}`,
    { cause },
  );
}
