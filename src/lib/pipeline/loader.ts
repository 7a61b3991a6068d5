// Turns a list of stored images into batches, ahead of the device. What comes out depends on the seed, the epoch and the items
// only, never on the number of threads, the cache or where an epoch was taken up again. Knows nothing of labels or models.

import { TrainyardError } from '$lib/core/errors';
import type { AugmentSettings } from './augment-plan';
import type { LoadedBatch } from './contract';
import type { SessionItem } from './messages';
import { batchRange, epochOrder, MINIMUM_TRAIN_BATCH, stepsPerEpoch } from './order';
import type { DecodePool } from './pool';
import type { PixelPreprocess } from './preprocess';

export interface LoaderOptions {
  pool: DecodePool;
  /** `blob` is what the pool's reader of blobs knows the image by. */
  items: readonly SessionItem[];
  preprocess: PixelPreprocess;
  /** Null for validation and test. */
  augment: AugmentSettings | null;
  seed: number;
  batchSize: number;
  /** Decoded images kept, over all threads; what does not fit is decoded in every epoch. Default: {@link defaultCacheBytes}. */
  cacheBytes?: number;
  /** A last batch smaller than this joins the one before. Default {@link MINIMUM_TRAIN_BATCH}; give 1 to evaluate. */
  minimumBatch?: number;
  /** Batches made ahead. Default 3: one is read by the device, one is ready, one is being made. */
  prefetch?: number;
}

export interface EpochOptions {
  /** Default: true with augmentation, else the items' own order. */
  shuffle?: boolean;
  /** Item indices in the order of this epoch, as many as there are items, instead of either; some may come again and others never. */
  order?: Uint32Array;
  /** First step to give, for a run that goes on in the middle of an epoch. */
  from?: number;
}

export interface Loader {
  readonly stepsPerEpoch: number;
  /** The batches of an epoch, in order. Leaving the loop early ends the prefetching. Throws what a batch could not be made for. */
  epoch(epoch: number, options?: EpochOptions): AsyncGenerator<LoadedBatch, void, void>;
  /** Lets the threads forget its images. The pool stays. */
  dispose(): Promise<void>;
}

// Ahead of the device at most this much, however large the batches are.
const PREFETCH_BYTES = 256e6;
const GIBIBYTE = 2 ** 30;

/** An eighth of the machine's memory, as far as the browser tells it (never more than 8 GiB, none in some browsers). */
export function defaultCacheBytes(): number {
  const memory: unknown = Reflect.get(globalThis.navigator ?? {}, 'deviceMemory');
  return ((typeof memory === 'number' ? memory : 4) * GIBIBYTE) / 8;
}

// Sessions of all loaders of a thread must differ; a number drawn here is as good as one agreed upon.
const newSession = () => crypto.getRandomValues(new Uint32Array(1))[0];

/** How often each item of an order was had before in it. */
function repeatsOf(order: Uint32Array): Uint32Array {
  const had = new Map<number, number>();
  return order.map((index) => {
    const times = had.get(index) ?? 0;
    had.set(index, times + 1);
    return times;
  });
}

export async function createLoader(options: LoaderOptions): Promise<Loader> {
  const { pool, items, preprocess, augment, seed, batchSize } = options;
  const { cacheBytes = defaultCacheBytes(), minimumBatch = MINIMUM_TRAIN_BATCH, prefetch = 3 } = options;
  const [height, width] = preprocess.imageSize;
  const sampleBytes = height * width * 3;
  const steps = stepsPerEpoch(items.length, batchSize, minimumBatch);
  const ahead = Math.max(1, Math.min(prefetch, Math.floor(PREFETCH_BYTES / (sampleBytes * batchSize))));
  const session = newSession();
  const threads = Array.from({ length: pool.size }, (_, index) => pool.thread(index));
  const settings = { items, preprocess, augment, seed, cacheBytes: cacheBytes / threads.length };
  await Promise.all(threads.map((ask) => ask('open', { session, settings })));
  let closed = false;

  async function makeBatch(
    epoch: number,
    indices: readonly number[],
    repeats: readonly number[],
  ): Promise<LoadedBatch> {
    const shape = [indices.length, height, width, 3] as const;
    if (threads.length === 1) {
      return { images: await threads[0]('load', { session, epoch, indices, repeats }), shape, indices };
    }
    const images = new Uint8Array(indices.length * sampleBytes);
    const shares = threads.map(async (ask, thread) => {
      // An image always goes to the thread that has kept it.
      const positions = [...indices.keys()].filter((position) => indices[position] % threads.length === thread);
      if (positions.length === 0) return;
      const share = await ask('load', {
        session,
        epoch,
        indices: positions.map((position) => indices[position]),
        repeats: positions.map((position) => repeats[position]),
      });
      positions.forEach((position, i) => {
        images.set(share.subarray(i * sampleBytes, (i + 1) * sampleBytes), position * sampleBytes);
      });
    });
    await Promise.all(shares);
    return { images, shape, indices };
  }

  async function* epochBatches(
    epoch: number,
    { shuffle = augment !== null, order: given, from = 0 }: EpochOptions = {},
  ) {
    const order = given ?? epochOrder(items.length, seed, epoch, shuffle);
    const repeats = given === undefined ? order.map(() => 0) : repeatsOf(order);
    const queue: Promise<LoadedBatch>[] = [];
    let next = from;
    while (!closed && (next < steps || queue.length > 0)) {
      while (next < steps && queue.length < ahead) {
        const range = batchRange(next, items.length, batchSize, minimumBatch);
        const batch = makeBatch(epoch, [...order.subarray(...range)], [...repeats.subarray(...range)]);
        // Seen when its turn comes; until then a failure must not count as unhandled.
        batch.catch(() => undefined);
        queue.push(batch);
        next++;
      }
      const batch = await queue.shift();
      if (batch !== undefined) yield batch;
    }
    if (closed)
      throw new TrainyardError('loader-closed', 'The loader was closed during an epoch.', '', { badInput: false });
  }

  return {
    stepsPerEpoch: steps,
    epoch: epochBatches,
    async dispose() {
      if (closed) return;
      closed = true;
      // A thread that is gone has forgotten them already.
      await Promise.allSettled(threads.map((ask) => ask('close', { session })));
    },
  };
}
