// A fresh database for one test, with records to put into it.

import { deleteDB } from 'idb';
import { onTestFinished } from 'vitest';
import { openDatabase, type OpenOptions } from '$lib/storage/database';
import type { Database } from '$lib/storage/schema';
import { addVersion } from '$lib/storage/datasets';
import { putBlobs } from '$lib/storage/blobs';
import { createProject } from '$lib/storage/projects';
import type { BlobRecord, DatasetRecord, DatasetVersionRecord, Item, ProjectRecord } from '$lib/storage/records';

/** Opens under a name of its own; closed and deleted when the test ends. */
export async function openFresh(options: OpenOptions = {}): Promise<Database> {
  const name = options.name ?? freshName();
  const database = await openDatabase({ ...options, name });
  onTestFinished(async () => {
    database.close();
    await deleteDB(name);
  });
  return database;
}

export function freshName(): string {
  return `test-${crypto.randomUUID()}`;
}

export function blobOf(text: string): BlobRecord {
  return { hash: `hash-of-${text}`, mime: 'text/plain', bytes: new TextEncoder().encode(text) };
}

export function itemOf(text: string, label: number): Item {
  const { hash, bytes } = blobOf(text);
  const annotation = { kind: 'class', class: label } as const;
  return { path: `${label}/${text}`, blob: hash, width: 1, height: 1, bytes: bytes.length, annotation, split: 'train' };
}

export function versionOf(dataset: DatasetRecord, texts: readonly string[], number = 1): DatasetVersionRecord {
  return {
    id: crypto.randomUUID(),
    datasetId: dataset.id,
    projectId: dataset.projectId,
    number,
    createdAt: Date.now(),
    parentId: null,
    change: `Version ${number}`,
    classes: [{ name: 'a' }, { name: 'b' }],
    items: texts.map((text, i) => itemOf(text, i % 2)),
    split: { source: 'fractions', val: 0, test: 0, stratified: true, seed: 0 },
    statistics: { mean: [0, 0, 0], std: [1, 1, 1], sampled: 0, sizes: [], otherSizes: 0, bytes: 0 },
    problems: [],
  };
}

export function datasetOf(project: ProjectRecord): DatasetRecord {
  return { id: crypto.randomUUID(), projectId: project.id, name: 'data', createdAt: Date.now(), headVersionId: '' };
}

/** A project with one data set version whose images are these texts. */
export async function fill(
  database: Database,
  name: string,
  texts: readonly string[],
): Promise<{ project: ProjectRecord; dataset: DatasetRecord; version: DatasetVersionRecord }> {
  const project = await createProject(database, { name, task: 'classification' });
  const dataset = datasetOf(project);
  const version = versionOf(dataset, texts);
  await putBlobs(database, texts.map(blobOf));
  await addVersion(database, version, new Float32Array(texts.length * 6), { dataset });
  return { project, dataset, version };
}
