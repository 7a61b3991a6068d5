// Decode worker: images from the database to checked, resized, augmented pixels. Wiring only.

import { createDecoder } from '$lib/pipeline/decode';
import { serveDecoding } from '$lib/pipeline/wire';
import { getBlobs } from '$lib/storage/blobs';
import { openDatabase, type Database } from '$lib/storage/database';

let database: Promise<Database> | null = null;

/** Opened with the first image: a pool that only inspects files needs none. Forgotten when the browser closes it. */
function connect(): Promise<Database> {
  database ??= openDatabase({ onClosed: () => (database = null) }).catch((error: unknown) => {
    database = null;
    throw error;
  });
  return database;
}

serveDecoding(self, {
  decoder: createDecoder(),
  readBlobs: async (hashes) => getBlobs(await connect(), hashes),
});
