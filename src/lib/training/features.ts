// Features of a frozen backbone: what is stored already, and the rest computed once and stored on the way. Knows neither runs nor
// heads.

import { TrainyardError } from '$lib/core/errors';
import type { Batch } from '$lib/engines/contract';
import type { Job } from '$lib/job/job';
import { isIdentity } from '$lib/pipeline/augment';
import { createLoader } from '$lib/pipeline/loader';
import type { DecodePool } from '$lib/pipeline/pool';
import type { Database } from '$lib/storage/database';
import { appendFeatures, readFeatures, touchFeatureCache } from '$lib/storage/features';
import type { Item, ResolvedPreprocess } from '$lib/storage/records';
import type { RunEvent } from './events';
import { featureKey, type FeatureSource } from './feature-key';
import { FeatureTable, PLAIN } from './feature-table';
import { turn } from './turn';

/** Computes features, [n, width] of a batch of bytes, as the evaluated backbone does. */
export interface FeatureRunner {
  run(batch: Pick<Batch, 'images' | 'shape'>): Promise<Float32Array>;
  dispose(): Promise<void> | void;
}

export interface FeatureRequest {
  source: FeatureSource;
  /** For people. */
  title: string;
  width: number;
  preprocess: ResolvedPreprocess;
  /** Images whose plain features are wanted. */
  items: readonly Item[];
  /** Changed copies that are wanted of some of them; null: none. */
  copies: { items: readonly Item[]; count: number; augment: Job['augment']; seed: number } | null;
}

export interface FeatureTools {
  database: Database;
  pool: DecodePool;
  /** Called when there is something to compute. */
  open(): Promise<FeatureRunner>;
  signal?: AbortSignal;
  /** Milliseconds. */
  now?: () => number;
}

export type FeatureEvent = Extract<RunEvent, { type: 'features' | 'notice' }>;

const BATCH = 32;
/** Two batches: one is computed while the features of the other are read. */
const IN_FLIGHT = 2;
const EMIT_EVERY_MS = 100;
/** Rows are stored in chunks of this many, or when they have waited this long: an interruption costs no more. */
const CHUNK_ROWS = 512;
const STORE_EVERY_MS = 3_000;

/** How many changed copies a job caches: none where its augmentation changes nothing. */
export function cachedCopies(job: Pick<Job, 'augment' | 'fine_tune'>): number {
  return isIdentity(job.augment) ? 0 : job.fine_tune.cached_augmentations;
}

/** What one key holds of what is wanted. */
interface Part {
  key: string;
  items: readonly Item[];
  variants: readonly number[];
  augment: { augment: Job['augment']; seed: number } | null;
}

async function partsOf(request: FeatureRequest): Promise<Part[]> {
  const { source, preprocess, items, copies } = request;
  const plain = { key: await featureKey(source, preprocess, null), items, variants: [PLAIN], augment: null };
  if (copies === null || copies.count === 0) return [plain];
  const augment = { augment: copies.augment, seed: copies.seed };
  const key = await featureKey(source, preprocess, augment);
  const variants = Array.from({ length: copies.count }, (_, index) => index + 1);
  return [plain, { key, items: copies.items, variants, augment }];
}

function emptyTable({ width }: Pick<FeatureRequest, 'width'>, parts: readonly Part[]): FeatureTable {
  const wanted = parts.flatMap(({ items, variants }) =>
    variants.flatMap((variant) => items.map(({ blob }) => ({ blob, variant }))),
  );
  return new FeatureTable(width, wanted);
}

/** Returns the number of rows that were there. */
async function fill(table: FeatureTable, parts: readonly Part[], database: Database): Promise<number> {
  let found = 0;
  for (const { key, variants } of parts) {
    const own = new Set(variants);
    await readFeatures(database, key, ({ blobs, variants: stored, features }) => {
      if (features.length !== blobs.length * table.width) return;
      blobs.forEach((blob, row) => {
        if (!own.has(stored[row])) return;
        const values = features.subarray(row * table.width, (row + 1) * table.width);
        if (table.add({ blob, variant: stored[row] }, values)) found++;
      });
    });
  }
  return found;
}

/** A table with room for these images, filled with what is stored of them; null where nothing is stored at all. Computes nothing. */
export async function storedFeatures(
  database: Database,
  request: Omit<FeatureRequest, 'copies' | 'title'>,
): Promise<FeatureTable | null> {
  if ((await database.count('featureCaches')) === 0) return null;
  const parts = await partsOf({ ...request, title: '', copies: null });
  const table = emptyTable(request, parts);
  return (await fill(table, parts, database)) === 0 ? null : table;
}

/** Yields progress; returns the table, or null when aborted: what had been computed by then is stored. */
export async function* computeFeatures(
  request: FeatureRequest,
  tools: FeatureTools,
): AsyncGenerator<FeatureEvent, FeatureTable | null> {
  const { database, signal, now = () => performance.now() } = tools;
  const parts = await partsOf(request);
  const table = emptyTable(request, parts);
  const cached = await fill(table, parts, database);
  let done = cached;
  const progress = (): FeatureEvent => ({ type: 'features', done, total: table.size, cached });
  yield progress();
  await Promise.all(parts.map(({ key }) => touchFeatureCache(database, key)));
  if (done === table.size) return table;

  const runner = await tools.open();
  try {
    let lastEmit = now();
    for (const part of parts) {
      const store = new Store(database, { key: part.key, title: request.title, width: table.width }, now);
      try {
        for await (const rows of compute(part, table, runner, { ...request, ...tools })) {
          for (const { blob, variant, features } of rows) {
            if (!table.add({ blob, variant }, features)) continue;
            store.add(blob, variant, features);
            done++;
          }
          if (signal?.aborted === true) return null;
          await store.flush(false);
          if (now() - lastEmit < EMIT_EVERY_MS) continue;
          lastEmit = now();
          yield progress();
        }
      } finally {
        await store.flush(true);
      }
      if (store.full !== null) yield { type: 'notice', message: `The features are not kept: ${store.full}` };
    }
    yield progress();
    return table;
  } finally {
    await runner.dispose();
  }
}

interface ComputedRow {
  blob: string;
  variant: number;
  features: Float32Array;
}

/** What the table lacks of a part, batch by batch. */
async function* compute(
  { items, variants, augment }: Part,
  table: FeatureTable,
  runner: FeatureRunner,
  { pool, preprocess }: { pool: DecodePool; preprocess: ResolvedPreprocess },
): AsyncGenerator<ComputedRow[]> {
  const lacking = items.filter(({ blob }) => variants.some((variant) => !table.has({ blob, variant })));
  const unique = [...new Map(lacking.map((item) => [item.blob, item])).values()];
  if (unique.length === 0) return;
  const loader = await createLoader({
    pool,
    // A copy of an image is the same whatever data set it is in, as its name in the cache is.
    items: unique.map(({ blob, path }) => ({ blob, path, stream: blob })),
    preprocess,
    augment: augment?.augment ?? null,
    seed: augment?.seed ?? 0,
    batchSize: BATCH,
    minimumBatch: 1,
    // Plain images are looked at once.
    ...(augment === null ? { cacheBytes: 0 } : {}),
  });
  const pending: { indices: readonly number[]; variant: number; features: Promise<Float32Array> }[] = [];
  async function takeOne(): Promise<ComputedRow[]> {
    const next = pending.shift();
    if (next === undefined) return [];
    const { indices, variant } = next;
    // A synchronisation: the numbers are stored; the batch behind them is already enqueued.
    const features = await next.features;
    return indices.map((index, row) => {
      const values = features.subarray(row * table.width, (row + 1) * table.width);
      return { blob: unique[index].blob, variant, features: values };
    });
  }
  try {
    for (const variant of variants) {
      for await (const { images, shape, indices } of loader.epoch(variant, { shuffle: false })) {
        const features = runner.run({ images, shape });
        features.catch(() => undefined);
        pending.push({ indices, variant, features });
        if (pending.length >= IN_FLIGHT) yield await takeOne();
        await turn();
      }
    }
    while (pending.length > 0) yield await takeOne();
  } finally {
    await Promise.allSettled(pending.map(({ features }) => features));
    await loader.dispose();
  }
}

/** Gathers rows and stores them in chunks. A full disk stops the storing, not the computing. */
class Store {
  /** Why nothing is stored any more. */
  full: string | null = null;
  readonly #database: Database;
  readonly #cache: { key: string; title: string; width: number };
  readonly #now: () => number;
  #blobs: string[] = [];
  #variants: number[] = [];
  #features: Float32Array[] = [];
  #storedAt: number;

  constructor(database: Database, cache: { key: string; title: string; width: number }, now: () => number) {
    this.#database = database;
    this.#cache = cache;
    this.#now = now;
    this.#storedAt = now();
  }

  add(blob: string, variant: number, features: Float32Array): void {
    this.#blobs.push(blob);
    this.#variants.push(variant);
    this.#features.push(features);
  }

  async flush(all: boolean): Promise<void> {
    const count = this.#blobs.length;
    const due = all || count >= CHUNK_ROWS || this.#now() - this.#storedAt >= STORE_EVERY_MS;
    if (count === 0 || !due || this.full !== null) return;
    const features = new Float32Array(count * this.#cache.width);
    this.#features.forEach((row, at) => features.set(row, at * this.#cache.width));
    const rows = { blobs: this.#blobs, variants: Uint16Array.from(this.#variants), features };
    this.#blobs = [];
    this.#variants = [];
    this.#features = [];
    this.#storedAt = this.#now();
    try {
      await appendFeatures(this.#database, this.#cache, rows);
    } catch (error) {
      if (!(error instanceof TrainyardError) || error.code !== 'storage-full') throw error;
      this.full = error.message;
    }
  }
}
