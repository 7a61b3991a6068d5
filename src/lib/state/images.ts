// Object URLs for stored pictures: read in batches, shared by all who show them, revoked when nobody does and room is needed.
import { TrainyardError } from '$lib/core/errors';
import { getBlob, getThumbnails } from '$lib/storage/blobs';
import type { Database } from '$lib/storage/database';
import type { ImageUrls } from '$lib/ui/images';

/** Kept after release, so that scrolling back shows pictures at once. 800 thumbnails of 4 kB are 3 MB. */
const KEEP_UNUSED = 800;

/** Pictures read in one transaction: few enough that the first are shown while the rest are read. */
const BATCH = 40;

interface Entry {
  users: number;
  url: string | null;
  promise: Promise<string>;
}

interface Waiting {
  hash: string;
  resolve: (blob: Blob) => void;
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
    const entry: Entry = { users: 1, url: null, promise: Promise.resolve('') };
    entry.promise = this.#read(hash).then((blob) => (entry.url = URL.createObjectURL(blob)));
    // Whoever acquires sees the rejection; a failed read is tried again by the next who asks.
    entry.promise.catch(() => this.#entries.delete(hash));
    this.#entries.set(hash, entry);
    return entry.promise;
  }

  release(hash: string): void {
    const entry = this.#entries.get(hash);
    if (!entry || --entry.users > 0) return;
    this.#unused.add(hash);
    for (const oldest of this.#unused) {
      if (this.#unused.size <= KEEP_UNUSED) break;
      this.#unused.delete(oldest);
      const gone = this.#entries.get(oldest);
      this.#entries.delete(oldest);
      void gone?.promise.then(URL.revokeObjectURL, () => undefined);
    }
  }

  /** The file as it was imported. */
  async original(hash: string): Promise<Blob> {
    return getBlob(await this.#database(), hash);
  }

  #read(hash: string): Promise<Blob> {
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
      reject(new TrainyardError('image-not-wanted', 'The picture left the screen before it was read.'));
    }
    for (let start = 0; start < wanted.length; start += BATCH)
      await this.#readBatch(wanted.slice(start, start + BATCH));
  }

  async #readBatch(batch: readonly Waiting[]): Promise<void> {
    try {
      const blobs = await getThumbnails(
        await this.#database(),
        batch.map(({ hash }) => hash),
      );
      batch.forEach(({ hash, resolve, reject }, index) => {
        const blob = blobs[index];
        if (blob) resolve(blob);
        else reject(new TrainyardError('blob-missing', `The picture ${hash.slice(0, 12)} is not in this browser.`));
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
