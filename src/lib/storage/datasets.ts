// Data sets and their versions. A version is never changed: an edit adds the next one and makes it the head.

import { classesOf } from '$lib/core/annotations';
import { TrainyardError } from '$lib/core/errors';
import { missingBlobs } from './blobs';
import type { DatasetRecord, DatasetVersionRecord, Item, ProjectRecord, SplitName } from './records';
import type { Database, ItemsRecord, VersionSummary } from './schema';
import { write } from './transaction';

const PREVIEW_IMAGES = 12;

/**
 * Stores a version and makes it its data set's head, in one transaction, together with the data set (and project) when they
 * are new. The project's task is the version's from now on. Throws 'version-conflict' where a version of that number exists already (another tab was faster).
 */
export async function addVersion(
  database: Database,
  version: DatasetVersionRecord,
  channels: ItemsRecord['channels'],
  created: { dataset?: DatasetRecord; project?: ProjectRecord } = {},
): Promise<void> {
  const { items, ...rest } = version;
  await write(database, ['projects', 'datasets', 'versions', 'items', 'blobs'], async (transaction) => {
    const projects = transaction.objectStore('projects');
    const datasets = transaction.objectStore('datasets');
    const versions = transaction.objectStore('versions');
    // Content that vanished meanwhile would make a version of broken images; then nothing of it is kept.
    const lost = await missingBlobs(
      transaction.objectStore('blobs'),
      items.map((item) => item.blob),
    );
    if (lost.length > 0) throw lostError(items, lost);
    if (created.project !== undefined) await projects.add(created.project);
    const project = await projects.get(version.projectId);
    if (project === undefined) throw missing('project');
    const dataset = created.dataset ?? (await datasets.get(version.datasetId));
    if (dataset === undefined) throw missing('data set');
    for (const other of await versions.index('datasetId').getAll(version.datasetId)) {
      if (other.number === version.number) throw conflict(version.number);
    }
    await projects.put({
      ...project,
      task: version.task ?? project.task,
      updatedAt: Math.max(project.updatedAt, version.createdAt),
    });
    await datasets.put({ ...dataset, headVersionId: version.id });
    await versions.add({ ...rest, ...countItems(version) });
    await transaction.objectStore('items').add({ versionId: version.id, items, channels });
  });
}

/** Makes an older (or newer) version the one that pages show and new runs use. */
export async function setHead(database: Database, datasetId: string, versionId: string): Promise<void> {
  await write(database, ['projects', 'datasets', 'versions'], async (transaction) => {
    const version = await transaction.objectStore('versions').get(versionId);
    const dataset = await transaction.objectStore('datasets').get(datasetId);
    if (dataset === undefined) throw missing('data set');
    if (version?.datasetId !== datasetId) throw missing('version');
    await transaction.objectStore('datasets').put({ ...dataset, headVersionId: versionId });
    const project = await transaction.objectStore('projects').get(version.projectId);
    if (project === undefined || version.task === undefined) return;
    await transaction.objectStore('projects').put({ ...project, task: version.task });
  });
}

export async function getDataset(database: Database, id: string): Promise<DatasetRecord> {
  const dataset = await database.get('datasets', id);
  if (dataset === undefined) throw missing('data set');
  return dataset;
}

/** Oldest first. */
export async function listDatasets(database: Database, projectId: string): Promise<DatasetRecord[]> {
  const datasets = await database.getAllFromIndex('datasets', 'projectId', projectId);
  return datasets.sort((a, b) => a.createdAt - b.createdAt);
}

/** The whole version, items included. Throws 'version-missing'. */
export async function getVersion(database: Database, id: string): Promise<DatasetVersionRecord> {
  return (await getVersionWithChannels(database, id)).version;
}

/** The version with the channel sums behind its statistics, for edits. */
export async function getVersionWithChannels(
  database: Database,
  id: string,
): Promise<{ version: DatasetVersionRecord; channels: ItemsRecord['channels'] }> {
  const transaction = database.transaction(['versions', 'items']);
  const [summary, record] = await Promise.all([
    transaction.objectStore('versions').get(id),
    transaction.objectStore('items').get(id),
  ]);
  if (summary === undefined || record === undefined) throw missing('version');
  const { images: _images, splitCounts: _splits, classCounts: _classes, preview: _preview, ...rest } = summary;
  return { version: { ...rest, items: record.items }, channels: record.channels };
}

/** Throws 'version-missing'. */
export async function getVersionSummary(database: Database, id: string): Promise<VersionSummary> {
  const summary = await database.get('versions', id);
  if (summary === undefined) throw missing('version');
  return summary;
}

/** A data set's history, newest first, without items. */
export async function listVersions(database: Database, datasetId: string): Promise<VersionSummary[]> {
  const versions = await database.getAllFromIndex('versions', 'datasetId', datasetId);
  return versions.sort((a, b) => b.number - a.number);
}

/** Counts and a few images, for lists. */
export function countItems(
  version: Pick<DatasetVersionRecord, 'items' | 'classes'>,
): Pick<VersionSummary, 'images' | 'splitCounts' | 'classCounts' | 'preview'> {
  const splitCounts: Record<SplitName, number> = { train: 0, val: 0, test: 0 };
  const classCounts = new Array<number>(version.classes.length).fill(0);
  const first: string[][] = version.classes.map(() => []);
  for (const item of version.items) {
    splitCounts[item.split]++;
    for (const index of classesOf(item.annotation)) {
      classCounts[index]++;
      const shown = first[index];
      if (shown.length < PREVIEW_IMAGES && !shown.includes(item.blob)) shown.push(item.blob);
    }
  }
  const preview: string[] = [];
  for (let row = 0; row < PREVIEW_IMAGES; row++) {
    for (const shown of first) {
      // An image of several classes is shown once.
      if (row >= shown.length || preview.length >= PREVIEW_IMAGES || preview.includes(shown[row])) continue;
      preview.push(shown[row]);
    }
  }
  return { images: version.items.length, splitCounts, classCounts, preview };
}

function missing(what: 'project' | 'data set' | 'version'): TrainyardError {
  const code = what === 'data set' ? 'dataset-missing' : `${what}-missing`;
  return new TrainyardError(code, `This ${what} is not in this browser.`, 'It may have been deleted in another tab.');
}

function conflict(number: number): TrainyardError {
  return new TrainyardError(
    'version-conflict',
    `Version ${number} of this data set was made elsewhere in the meantime, so this change was not saved.`,
    'Repeat the change on the newest version.',
  );
}

function lostError(items: readonly Item[], lost: readonly string[]): TrainyardError {
  const path = items.find((item) => item.blob === lost[0])?.path ?? lost[0];
  return new TrainyardError(
    'blob-missing',
    `The content of "${path}"${lost.length > 1 ? ` and ${lost.length - 1} more images` : ''} is no longer in the browser's storage, so the version was not saved.`,
    'Import the images again.',
  );
}
