// One connection to the browser's database for a worker: opened with the first need, forgotten when the browser closes it.

import { openDatabase, type Database, type OpenOptions } from '$lib/storage/database';

/** Returns a function that gives the open database. */
export function createConnection(options: Pick<OpenOptions, 'mayClose'> = {}): () => Promise<Database> {
  let database: Promise<Database> | null = null;
  const forget = (): void => {
    database = null;
  };
  return () => {
    database ??= openDatabase({ ...options, onClosed: forget }).catch((error: unknown) => {
      forget();
      throw error;
    });
    return database;
  };
}
