// One write, whole or not at all: every repository writes through here. Turns the browser's failures into our errors.

import type { IDBPTransaction } from 'idb';
import { announce } from './changes';
import { storageError } from './quota';
import type { Database, Schema, StoreName } from './schema';

export type WriteTransaction<Names extends readonly StoreName[]> = IDBPTransaction<
  Schema,
  Names[number][],
  'readwrite'
>;

export interface WriteOptions {
  /**
   * 'strict' (default) returns when the data are on the disk. 'relaxed' returns earlier and is several times faster; it is for
   * blobs, whose loss before the strict write of the records that name them would only leave that write undone.
   */
  durability?: 'strict' | 'relaxed';
  /** Tell other listeners which stores changed; off for blobs, which nobody shows before a record names them. */
  announced?: boolean;
}

/**
 * Runs `work` in one transaction over `stores` and waits until it is kept. When anything throws, nothing of it is kept.
 * `work` may await requests of the transaction and nothing else. Throws 'storage-full' where the browser's quota ends it.
 */
export async function write<const Names extends readonly StoreName[], Result>(
  database: Database,
  stores: Names,
  work: (transaction: WriteTransaction<Names>) => Promise<Result> | Result,
  options: WriteOptions = {},
): Promise<Result> {
  const { durability = 'strict', announced = true } = options;
  let transaction: WriteTransaction<Names> | null = null;
  try {
    const names: Names[number][] = [...stores];
    transaction = database.transaction(names, 'readwrite', { durability });
    // Awaited below; this only keeps an abort from being reported as unhandled while `work` is still running.
    transaction.done.catch(() => undefined);
    const result = await work(transaction);
    await transaction.done;
    if (announced) announce(stores);
    return result;
  } catch (error) {
    const cause = transaction === null ? error : await abort(transaction, error);
    throw await storageError(database, cause);
  }
}

/** Ends the transaction and returns the error that ended it: requests that an abort cancelled only say 'AbortError'. */
async function abort<Names extends readonly StoreName[]>(
  transaction: WriteTransaction<Names>,
  error: unknown,
): Promise<unknown> {
  try {
    transaction.abort();
  } catch {
    // It had ended by itself, which is what we want.
  }
  const ended = await transaction.done.then(
    () => error,
    (reason: unknown) => reason,
  );
  const cancelled = error instanceof DOMException && error.name === 'AbortError';
  return cancelled ? ended : error;
}
