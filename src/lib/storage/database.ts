// Opens the browser's database at the current version and says clearly why when it cannot. Reads and writes nothing itself.

import { openDB, type IDBPDatabase } from 'idb';
import { TrainyardError } from '$lib/core/errors';
import { MIGRATIONS, type Database, type Migration, type Schema } from './schema';

export type { Database } from './schema';

export const DATABASE_NAME = 'trainyard';

/** Our other tabs let go at once when asked; one that has not by then is busy or from before it could. */
const BLOCKED_AFTER_MS = 3_000;

export interface OpenOptions {
  name?: string;
  /** Tests give longer lists. */
  migrations?: readonly Migration[];
  blockedAfterMs?: number;
  /** Asked when another tab needs a newer version of the database. False (a run is being saved) keeps this connection. */
  mayClose?: () => boolean;
  /** This connection is gone, and why; every later call on it fails. */
  onClosed?: (reason: TrainyardError) => void;
}

/**
 * The database, upgraded where it was older. Throws 'storage-newer' (a newer Trainyard wrote it), 'storage-blocked' (another
 * tab holds an older version) or 'storage-unavailable' (the browser refuses, as some private windows do).
 */
export async function openDatabase(options: OpenOptions = {}): Promise<Database> {
  const { name = DATABASE_NAME, migrations = MIGRATIONS, blockedAfterMs = BLOCKED_AFTER_MS } = options;
  const { mayClose = () => true, onClosed } = options;
  let database: IDBPDatabase<Schema> | null = null;
  let migrationError: unknown;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let rejectBlocked: (error: TrainyardError) => void = () => undefined;
  const blocked = new Promise<never>((_, reject) => {
    rejectBlocked = reject;
  });

  const opening = openDB<Schema>(name, migrations.length, {
    upgrade(upgraded, oldVersion, _newVersion, transaction) {
      // idb does not wait for this promise, and need not: the transaction stays open while requests of it are awaited.
      void migrate(upgraded, oldVersion, transaction, migrations).catch((error: unknown) => {
        migrationError = error;
        transaction.done.catch(() => undefined);
        transaction.abort();
      });
    },
    blocked() {
      timer ??= setTimeout(() => rejectBlocked(blockedError()), blockedAfterMs);
    },
    blocking() {
      if (database === null || !mayClose()) return;
      database.close();
      onClosed?.(outdatedError());
    },
    terminated() {
      onClosed?.(terminatedError());
    },
  });
  // A connection that comes after we gave up must not block others in its turn.
  blocked.catch(() => opening.then((late) => late.close()).catch(() => undefined));
  try {
    database = await Promise.race([opening, blocked]);
    return database;
  } catch (error) {
    throw openError(migrationError ?? error);
  } finally {
    clearTimeout(timer);
  }
}

async function migrate(
  database: Database,
  oldVersion: number,
  transaction: Parameters<Migration>[1],
  migrations: readonly Migration[],
): Promise<void> {
  for (const migration of migrations.slice(oldVersion)) await migration(database, transaction);
}

function openError(error: unknown): TrainyardError {
  if (error instanceof TrainyardError) return error;
  const name = error instanceof DOMException ? error.name : '';
  if (name === 'VersionError') {
    return new TrainyardError(
      'storage-newer',
      "This browser's projects were saved by a newer version of Trainyard than this page.",
      'Reload the page to get the newer version; nothing is lost.',
    );
  }
  const found = error instanceof Error ? error.message : String(error);
  return new TrainyardError(
    'storage-unavailable',
    `The browser's database cannot be opened: ${found}`,
    'Leave the private window, allow the site to store data, or free disk space, then reload the page.',
    { cause: error },
  );
}

function blockedError(): TrainyardError {
  return new TrainyardError(
    'storage-blocked',
    'An older version of Trainyard in another tab is using the database, which this version has to update.',
    'Close the other tabs of Trainyard (stop a running training there first), then reload this page.',
  );
}

function outdatedError(): TrainyardError {
  return new TrainyardError(
    'storage-outdated',
    'A newer version of Trainyard was opened in another tab and has updated the database.',
    'Reload this page to go on with the newer version; everything saved so far is kept.',
  );
}

function terminatedError(): TrainyardError {
  return new TrainyardError(
    'storage-terminated',
    'The browser closed the database, as it does when site data are cleared or the disk fails.',
    'Reload the page.',
  );
}
