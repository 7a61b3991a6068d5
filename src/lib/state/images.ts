// Addresses for stored pictures: read in batches, shared by all who show them, given up when nobody does and room is needed.
import { TrainyardError } from '$lib/core/errors';
import { getBlob, getThumbnailRecords } from '$lib/storage/blobs';
import type { Database } from '$lib/storage/database';
import type { ThumbnailRecord } from '$lib/storage/records';
import type { ImageUrls } from '$lib/ui/images';

/** Kept after release, so that scrolling back shows pictures at once. 800 thumbnails of 4 kB are 3 MB. */
const KEEP_UNUSED = 800;

/**
 * Smaller pictures become data addresses. An object URL costs a round trip to the browser's own process, thrice (blob, make,
 * revoke): over a third of the page's work while ten thousand thumbnails were scrolled past.
 */
const INLINE_BYTES = 24_000;

/** Pictures read in one transaction: few enough that the first are shown while the rest are read. */
const BATCH = 40;

interface Entry {
  users: number;
  url: string | null;
  failed: boolean;
  promise: Promise<string>;
}

interface Waiting {
  hash: string;
  resolve: (record: ThumbnailRecord) => void;
  reject: (error: unknown) => void;
}

export class StoredImages implements ImageUrls {
  readonly #database: () => Promise<Database>;
  readonly #entries = new Map<string, Entry>();
  /** In the order in which they were let go; the oldest is revoked first. */
  readonly #unused = new Set<string>();
  #queue: Waiting[] = [];

  constructor(database: () => Promise<Database>) {
    this.#database = database;
  }

  peek(hash: string): string | undefined {
    return this.#entries.get(hash)?.url ?? undefined;
  }

  acquire(hash: string): Promise<string> {
    this.#unused.delete(hash);
    const known = this.#entries.get(hash);
    if (known) {
      known.users++;
      return known.promise;
    }
    const entry: Entry = { users: 1, url: null, failed: false, promise: Promise.resolve('') };
    entry.promise = this.#read(hash).then((record) => (entry.url = addressOf(record)));
    // Whoever acquires sees the rejection. The entry stays until all who hold it let go; the next who asks tries again.
    entry.promise.catch(() => (entry.failed = true));
    this.#entries.set(hash, entry);
    return entry.promise;
  }

  release(hash: string): void {
    const entry = this.#entries.get(hash);
    if (!entry || --entry.users > 0) return;
    if (entry.failed) {
      this.#entries.delete(hash);
      return;
    }
    this.#unused.add(hash);
    for (const oldest of this.#unused) {
      if (this.#unused.size <= KEEP_UNUSED) break;
      this.#unused.delete(oldest);
      const gone = this.#entries.get(oldest);
      this.#entries.delete(oldest);
      void gone?.promise.then(giveUp, () => undefined);
    }
  }

  /** The file as it was imported. */
  async original(hash: string): Promise<Blob> {
    return getBlob(await this.#database(), hash);
  }

  #read(hash: string): Promise<ThumbnailRecord> {
    return new Promise((resolve, reject) => {
      // Everything that one frame asks for is one transaction.
      if (this.#queue.length === 0) setTimeout(() => void this.#flush(), 8);
      this.#queue.push({ hash, resolve, reject });
    });
  }

  async #flush(): Promise<void> {
    const batch = this.#queue;
    this.#queue = [];
    // A quick scroll has passed by what nobody shows any more; that is not read.
    const wanted = batch.filter(({ hash }) => (this.#entries.get(hash)?.users ?? 0) > 0);
    for (const { hash, reject } of batch) {
      if (wanted.some((one) => one.hash === hash)) continue;
      this.#unused.delete(hash);
      this.#entries.delete(hash);
      reject(new TrainyardError('image-not-wanted', 'The picture left the screen before it was read.'));
    }
    for (let start = 0; start < wanted.length; start += BATCH)
      await this.#readBatch(wanted.slice(start, start + BATCH));
  }

  async #readBatch(batch: readonly Waiting[]): Promise<void> {
    try {
      const records = await getThumbnailRecords(
        await this.#database(),
        batch.map(({ hash }) => hash),
      );
      batch.forEach(({ hash, resolve, reject }, index) => {
        const record = records[index];
        if (record) resolve(record);
        else reject(new TrainyardError('blob-missing', `The picture ${hash.slice(0, 12)} is not in this browser.`));
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}

function addressOf({ bytes, mime }: ThumbnailRecord): string {
  if (bytes.byteLength > INLINE_BYTES) return URL.createObjectURL(new Blob([bytes], { type: mime }));
  let text = '';
  for (let start = 0; start < bytes.length; start += 8192) {
    text += String.fromCharCode(...bytes.subarray(start, start + 8192));
  }
  return `data:${mime};base64,${btoa(text)}`;
}

function giveUp(address: string): void {
  if (address.startsWith('blob:')) URL.revokeObjectURL(address);
}
