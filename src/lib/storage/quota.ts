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
  const counted = new Set<string>();
  for (const { runId, stateId, bytes } of await transaction.objectStore('checkpoints').getAll()) {
    const space = spaces.get(projectOfRun.get(runId) ?? '');
    // Those that were saved together share it.
    if (space === undefined || counted.has(stateId)) continue;
    counted.add(stateId);
    space.checkpointBytes += bytes;
  }
  return [...spaces.values()]
    .map((space) => ({ ...space, bytes: space.imageBytes + space.checkpointBytes }))
    .sort((a, b) => b.bytes - a.bytes);
}

export interface KeptSpace {
  /** Weights from elsewhere, largest first. */
  weights: readonly { id: string; name: string; bytes: number }[];
  /** Interrupted downloads, by address. */
  downloads: readonly { url: string; bytes: number }[];
  /** Features of frozen backbones; they are computed again when they are gone. */
  features: readonly { key: string; title: string; bytes: number }[];
  /** All of these. */
  bytes: number;
}

/** What belongs to no project: weights, unfinished downloads and features, each largest first. */
export async function spaceOfKept(database: Database): Promise<KeptSpace> {
  const transaction = database.transaction(['weights', 'downloads', 'featureCaches']);
  const [weights, downloads, features] = await Promise.all([
    transaction.objectStore('weights').getAll(),
    transaction.objectStore('downloads').getAll(),
    transaction.objectStore('featureCaches').getAll(),
  ]);
  const space = {
    weights: bySize(weights.map(({ id, name, bytes }) => ({ id, name, bytes }))),
    downloads: bySize(downloads.map(({ url, received }) => ({ url, bytes: received }))),
    features: bySize(features.map(({ key, title, bytes }) => ({ key, title, bytes }))),
  };
  const all = [...space.weights, ...space.downloads, ...space.features];
  return { ...space, bytes: all.reduce((sum, { bytes }) => sum + bytes, 0) };
}

function bySize<Kept extends { bytes: number }>(kept: Kept[]): Kept[] {
  return kept.sort((a, b) => b.bytes - a.bytes);
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
  const candidate = await largestOf(database).catch(() => null);
  return new TrainyardError(
    'storage-full',
    // The disk may be full long before the bytes that the browser would grant are used.
    `The browser has no more room for this page (${formatBytes(usedBytes)} used, ${formatBytes(grantedBytes)} the most it would grant), so this was not saved; nothing that was saved before is lost.`,
    `Free disk space or delete what you no longer need.${candidate ?? ''}`,
    { cause },
  );
}

/** What would free the most, as a sentence; null where nothing would. The caller's error must reach the person when this fails. */
async function largestOf(database: Database): Promise<string | null> {
  const [projects, kept] = await Promise.all([spaceByProject(database), spaceOfKept(database)]);
  const candidates = bySize([
    ...projects.map(({ name, bytes }) => ({ what: `Deleting the project "${name}"`, bytes })),
    ...kept.weights.map(({ name, bytes }) => ({ what: `Removing the weights "${name}"`, bytes })),
    ...kept.features.map(({ title, bytes }) => ({ what: `Removing the stored features of ${title}`, bytes })),
  ]);
  const largest = candidates.find(({ bytes }) => bytes > 0);
  return largest === undefined ? null : ` ${largest.what} would free ${formatBytes(largest.bytes)}.`;
}
