// The stores of the database and how each version of it becomes the next. Holds no data and opens nothing.

import type { DBSchema, IDBPDatabase, IDBPTransaction } from 'idb';
import { withAddedIn2 } from '$lib/job/additions';
import type { Job } from '$lib/job/job';
import type {
  BlobRecord,
  CheckpointRecord,
  DatasetRecord,
  DatasetVersionRecord,
  DownloadPartRecord,
  DownloadRecord,
  EvaluationRecord,
  FeatureCacheRecord,
  FeatureChunkRecord,
  GroupRecord,
  ImageResultsRecord,
  Item,
  ProjectRecord,
  QueueRecord,
  RunEventRecord,
  RunRecord,
  SplitName,
  ThumbnailRecord,
  WeightsPartRecord,
  WeightsRecord,
} from './records';

/**
 * A data set version without its items, with their counts: what lists and overviews read. The items of a version of 10,000
 * images take about 40 ms to read; a home page with ten projects must not.
 */
export interface VersionSummary extends Omit<DatasetVersionRecord, 'items'> {
  images: number;
  splitCounts: Readonly<Record<SplitName, number>>;
  /** By class index; images without a class are in none. */
  classCounts: readonly number[];
  /** The blobs of a few images, spread over the classes, for a card. */
  preview: readonly string[];
}

/** Key versionId. `channels` are the sums behind `statistics`; see data/statistics.ts. */
export interface ItemsRecord {
  versionId: string;
  items: readonly Item[];
  /** [items, 6]: mean of R, G, B and mean of their squares, in 0..1. */
  channels: Float32Array<ArrayBuffer>;
}

/** A checkpoint without its tensors. */
export interface CheckpointSummary extends Omit<CheckpointRecord, 'state'> {
  /** Of the state, which others may share. */
  bytes: number;
  /** Key of its CheckpointStateRecord, which goes with the last checkpoint that names it. */
  stateId: string;
}

/** Apart from the summary, so that a list of checkpoints does not read gigabytes of weights. */
export interface CheckpointStateRecord {
  /** The state's own id; the name of the key is from when each checkpoint had one of its own. */
  checkpointId: string;
  state: CheckpointRecord['state'];
  /** A large state is kept in so many parts, and `state` has its names alone; see state-parts.ts. */
  parts?: number;
}

/** Key [id, part]: a part of a large state, some of its arrays or a piece of one. */
export interface StatePartRecord {
  /** Of the state. */
  id: string;
  part: number;
  pieces: readonly {
    kind: 'parameters' | 'ema' | 'optimizer';
    name: string;
    /** Where the values begin in the array, which has `length` of them. */
    at: number;
    length: number;
    values: Float32Array;
  }[];
}

export interface Schema extends DBSchema {
  projects: { key: string; value: ProjectRecord };
  datasets: { key: string; value: DatasetRecord; indexes: { projectId: string } };
  versions: { key: string; value: VersionSummary; indexes: { datasetId: string; projectId: string } };
  items: { key: string; value: ItemsRecord };
  blobs: { key: string; value: BlobRecord };
  thumbnails: { key: string; value: ThumbnailRecord };
  runs: { key: string; value: RunRecord; indexes: { projectId: string; versionId: string } };
  events: { key: [runId: string, sequence: number]; value: RunEventRecord };
  checkpoints: {
    key: string;
    value: CheckpointSummary;
    indexes: { runId: string; slot: [runId: string, slot: string]; stateId: string };
  };
  states: { key: string; value: CheckpointStateRecord };
  stateParts: { key: [id: string, part: number]; value: StatePartRecord };
  evaluations: { key: string; value: EvaluationRecord; indexes: { runId: string } };
  imageResults: { key: string; value: ImageResultsRecord };
  weights: { key: string; value: WeightsRecord };
  weightsParts: { key: [id: string, file: number, part: number]; value: WeightsPartRecord };
  downloads: { key: string; value: DownloadRecord };
  downloadParts: { key: [url: string, part: number]; value: DownloadPartRecord };
  featureCaches: { key: string; value: FeatureCacheRecord };
  featureChunks: { key: [key: string, chunk: number]; value: FeatureChunkRecord };
  groups: { key: string; value: GroupRecord; indexes: { projectId: string } };
  queue: { key: string; value: QueueRecord; indexes: { projectId: string } };
}

/** All of them, for writes that touch everything. */
export const STORE_NAMES = [
  'projects',
  'datasets',
  'versions',
  'items',
  'blobs',
  'thumbnails',
  'runs',
  'events',
  'checkpoints',
  'states',
  'evaluations',
  'imageResults',
  'weights',
  'weightsParts',
  'downloads',
  'downloadParts',
  'featureCaches',
  'featureChunks',
  'groups',
  'queue',
  'stateParts',
] as const satisfies readonly (keyof Schema)[];

export type StoreName = (typeof STORE_NAMES)[number];

export type Database = IDBPDatabase<Schema>;

/**
 * Brings a database from version i (its place in the list) to i + 1, inside the upgrade's one transaction: when it throws, the
 * database stays as it was. It may await requests of that transaction and nothing else.
 */
export type Migration = (
  database: Database,
  transaction: IDBPTransaction<Schema, StoreName[], 'versionchange'>,
) => void | Promise<void>;

/** In order, for ever: a released migration is never edited, a change is a new one at the end. */
export const MIGRATIONS: readonly Migration[] = [
  function createStores(database) {
    database.createObjectStore('projects', { keyPath: 'id' });
    const datasets = database.createObjectStore('datasets', { keyPath: 'id' });
    datasets.createIndex('projectId', 'projectId');
    const versions = database.createObjectStore('versions', { keyPath: 'id' });
    versions.createIndex('datasetId', 'datasetId');
    versions.createIndex('projectId', 'projectId');
    database.createObjectStore('items', { keyPath: 'versionId' });
    database.createObjectStore('blobs', { keyPath: 'hash' });
    database.createObjectStore('thumbnails', { keyPath: 'hash' });
    const runs = database.createObjectStore('runs', { keyPath: 'id' });
    runs.createIndex('projectId', 'projectId');
    runs.createIndex('versionId', 'versionId');
    database.createObjectStore('events', { keyPath: ['runId', 'sequence'] });
    const checkpoints = database.createObjectStore('checkpoints', { keyPath: 'id' });
    checkpoints.createIndex('runId', 'runId');
    // Unique: a second 'best' of a run would be a bug, and then the whole transaction fails.
    Reflect.apply(checkpoints.createIndex, checkpoints, ['kind', ['runId', 'kind'], { unique: true }]);
    database.createObjectStore('states', { keyPath: 'checkpointId' });
    const evaluations = database.createObjectStore('evaluations', { keyPath: 'id' });
    evaluations.createIndex('runId', 'runId');
    database.createObjectStore('imageResults', { keyPath: 'evaluationId' });
  },
  function createWeightsAndFeatures(database) {
    database.createObjectStore('weights', { keyPath: 'id' });
    database.createObjectStore('weightsParts', { keyPath: ['id', 'file', 'part'] });
    database.createObjectStore('downloads', { keyPath: 'url' });
    database.createObjectStore('downloadParts', { keyPath: ['url', 'part'] });
    database.createObjectStore('featureCaches', { keyPath: 'key' });
    database.createObjectStore('featureChunks', { keyPath: ['key', 'chunk'] });
  },
  async function nameCheckpointsAndQueueRuns(database, transaction) {
    for (const store of ['groups', 'queue'] as const) {
      database.createObjectStore(store, { keyPath: 'id' }).createIndex('projectId', 'projectId');
    }
    database.createObjectStore('stateParts', { keyPath: ['id', 'part'] });
    const checkpoints = transaction.objectStore('checkpoints');
    for await (const cursor of checkpoints) {
      const { id, kind } = cursor.value;
      await cursor.update({ ...cursor.value, slot: kind, stateId: id });
    }
    // An index of the first version, which the schema no longer knows.
    Reflect.apply(checkpoints.deleteIndex, checkpoints, ['kind']);
    checkpoints.createIndex('slot', ['runId', 'slot'], { unique: true });
    checkpoints.createIndex('stateId', 'stateId');
    for await (const cursor of transaction.objectStore('versions')) {
      const project = await transaction.objectStore('projects').get(cursor.value.projectId);
      if (project !== undefined) await cursor.update({ ...cursor.value, task: project.task });
    }
    for await (const cursor of transaction.objectStore('runs')) {
      const job = withAddedIn2(cursor.value.job) as Job; // By its own version it was whole.
      await cursor.update({ ...cursor.value, job });
    }
  },
];
