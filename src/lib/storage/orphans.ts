// What is stored and belongs to nothing: left by tabs that were closed in the middle of something. Counted first, then removed;
// what an import under way may still be writing is left alone.

import { IMPORT_LOCK, usedBlobs } from './blobs';
import type { Database } from './schema';
import { deleteState, partsOf, stateBytes } from './state-parts';
import { write, type WriteTransaction } from './transaction';

/** Rows without an owner, by store. */
export interface Orphans {
  blobs: number;
  thumbnails: number;
  items: number;
  checkpoints: number;
  states: number;
  events: number;
  evaluations: number;
  imageResults: number;
  /** Of images, thumbnails and states. */
  bytes: number;
  /** An import is under way: what it stores has no owner yet, so that nothing of images is looked at. */
  importing: boolean;
}

const STORES = [
  'versions',
  'items',
  'blobs',
  'thumbnails',
  'runs',
  'checkpoints',
  'states',
  'stateParts',
  'events',
  'evaluations',
  'imageResults',
] as const;

/** Counts; removes nothing. Reads the keys of everything and the rows of what has no owner: not for every frame. */
export function orphans(database: Database): Promise<Orphans> {
  return survey(database, false);
}

/** Removes them, as they are at this moment, in one transaction. Returns what has gone. */
export function removeOrphans(database: Database): Promise<Orphans> {
  return survey(database, true);
}

async function survey(database: Database, remove: boolean): Promise<Orphans> {
  return navigator.locks.request(IMPORT_LOCK, { ifAvailable: true }, (lock) => {
    const importing = lock === null;
    return write(
      database,
      STORES,
      async (transaction) => {
        const ofRuns = await runOrphans(transaction, remove);
        const ofImages = importing ? NO_IMAGES : await imageOrphans(transaction, remove);
        return { ...ofRuns, ...ofImages, bytes: ofRuns.bytes + ofImages.bytes, importing };
      },
      { announced: remove },
    );
  });
}

type Transaction = WriteTransaction<typeof STORES>;
type ImageOrphans = Pick<Orphans, 'blobs' | 'thumbnails' | 'items' | 'bytes'>;

const NO_IMAGES: ImageOrphans = { blobs: 0, thumbnails: 0, items: 0, bytes: 0 };

async function imageOrphans(transaction: Transaction, remove: boolean): Promise<ImageOrphans> {
  const [blobs, thumbnails] = [transaction.objectStore('blobs'), transaction.objectStore('thumbnails')];
  const items = transaction.objectStore('items');
  const versions = new Set(await transaction.objectStore('versions').getAllKeys());
  const strayItems = (await items.getAllKeys()).filter((versionId) => !versions.has(versionId));
  const used = await usedBlobs(owned(items, versions));
  const strayBlobs = (await blobs.getAllKeys()).filter((hash) => !used.has(hash));
  const strayThumbnails = (await thumbnails.getAllKeys()).filter((hash) => !used.has(hash));
  let bytes = 0;
  // One at a time: an import that was cut off may have left gigabytes.
  for (const hash of strayBlobs) bytes += (await blobs.get(hash))?.bytes.byteLength ?? 0;
  for (const hash of strayThumbnails) bytes += (await thumbnails.get(hash))?.bytes.byteLength ?? 0;
  if (remove) {
    for (const key of strayItems) await items.delete(key);
    for (const key of strayBlobs) await blobs.delete(key);
    for (const key of strayThumbnails) await thumbnails.delete(key);
  }
  return { blobs: strayBlobs.length, thumbnails: strayThumbnails.length, items: strayItems.length, bytes };
}

/** The items of versions that there are. */
async function* owned<Cursor extends { value: { versionId: string } }>(
  items: AsyncIterable<Cursor>,
  versions: ReadonlySet<string>,
): AsyncGenerator<Cursor, void> {
  for await (const cursor of items) if (versions.has(cursor.value.versionId)) yield cursor;
}

async function runOrphans(
  transaction: Transaction,
  remove: boolean,
): Promise<Pick<Orphans, 'checkpoints' | 'states' | 'events' | 'evaluations' | 'imageResults' | 'bytes'>> {
  const runs = new Set(await transaction.objectStore('runs').getAllKeys());
  const checkpoints = await transaction.objectStore('checkpoints').getAll();
  const stray = checkpoints.filter(({ runId }) => !runs.has(runId)).map(({ id }) => id);
  const named = new Set(checkpoints.filter(({ runId }) => runs.has(runId)).map(({ stateId }) => stateId));
  const states = transaction.objectStore('states');
  const strayStates = (await states.getAllKeys()).filter((id) => !named.has(id));
  let bytes = 0;
  for (const id of strayStates) {
    const record = await states.get(id);
    if (record !== undefined) bytes += stateBytes(record.state);
    for await (const cursor of transaction.objectStore('stateParts').iterate(partsOf(id))) {
      for (const { values } of cursor.value.pieces) bytes += values.byteLength;
    }
  }
  const evaluations = await transaction.objectStore('evaluations').getAll();
  const strayEvaluations = evaluations.filter(({ runId }) => !runs.has(runId)).map(({ id }) => id);
  const judged = new Set(evaluations.filter(({ runId }) => runs.has(runId)).map(({ id }) => id));
  const results = await transaction.objectStore('imageResults').getAllKeys();
  const strayResults = results.filter((id) => !judged.has(id));
  const strayEvents = (await runsWithEvents(transaction)).filter((runId) => !runs.has(runId));
  let events = 0;
  for (const runId of strayEvents) events += await transaction.objectStore('events').count(eventsOf(runId));
  if (remove) {
    for (const key of stray) await transaction.objectStore('checkpoints').delete(key);
    for (const key of strayStates) await deleteState(transaction, key);
    for (const key of strayEvaluations) await transaction.objectStore('evaluations').delete(key);
    for (const key of strayResults) await transaction.objectStore('imageResults').delete(key);
    for (const runId of strayEvents) await transaction.objectStore('events').delete(eventsOf(runId));
  }
  return {
    checkpoints: stray.length,
    states: strayStates.length,
    events,
    evaluations: strayEvaluations.length,
    imageResults: strayResults.length,
    bytes,
  };
}

/** Ids of runs, from the keys of their events: one look a run, however many events it has. */
async function runsWithEvents(transaction: Transaction): Promise<string[]> {
  const ids: string[] = [];
  let cursor = await transaction.objectStore('events').openKeyCursor();
  while (cursor !== null) {
    const [runId] = cursor.key;
    ids.push(runId);
    cursor = await cursor.continue([runId, Infinity]);
  }
  return ids;
}

function eventsOf(runId: string): IDBKeyRange {
  return IDBKeyRange.bound([runId, 0], [runId, Infinity]);
}
