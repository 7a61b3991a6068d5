// Features of images as rows in memory, and as batches that a head trains on. Does not know where they come from.

import type { Item } from '$lib/storage/records';
import { batchRange, epochOrder, MINIMUM_TRAIN_BATCH, stepsPerEpoch } from '$lib/pipeline/order';
import type { Task } from '$lib/tasks/contract';
import type { BatchSource } from './source';

/** The plain image; changed copies count from 1. */
export const PLAIN = 0;

/** An image, by its content, and which copy of it. */
export interface FeatureId {
  blob: string;
  variant: number;
}

export class FeatureTable {
  /** Length of a row. */
  readonly width: number;
  readonly #rows = new Map<string, number>();
  readonly #values: Float32Array;
  readonly #filled: Uint8Array;

  /** With room for `wanted`; the same image twice is one row. */
  constructor(width: number, wanted: Iterable<FeatureId>) {
    this.width = width;
    for (const id of wanted) {
      const name = nameOf(id);
      if (!this.#rows.has(name)) this.#rows.set(name, this.#rows.size);
    }
    this.#values = new Float32Array(this.#rows.size * width);
    this.#filled = new Uint8Array(this.#rows.size);
  }

  /** Rows that it has room for. */
  get size(): number {
    return this.#rows.size;
  }

  has(id: FeatureId): boolean {
    const row = this.#rows.get(nameOf(id));
    return row !== undefined && this.#filled[row] === 1;
  }

  /** Copies a row in; false where it was there already or has no place. */
  add(id: FeatureId, features: Float32Array): boolean {
    const row = this.#rows.get(nameOf(id));
    if (row === undefined || this.#filled[row] === 1) return false;
    this.#values.set(features, row * this.width);
    this.#filled[row] = 1;
    return true;
  }

  /** A view of a row. */
  row(id: FeatureId): Float32Array {
    const row = this.#rows.get(nameOf(id));
    // Who asks has made the table for these images and filled it.
    if (row === undefined || this.#filled[row] === 0) throw new Error(`no features of ${nameOf(id)}`);
    return this.#values.subarray(row * this.width, (row + 1) * this.width);
  }

  /** Copies of rows, [ids, width]. */
  rows(ids: readonly FeatureId[]): Float32Array {
    const values = new Float32Array(ids.length * this.width);
    ids.forEach((id, at) => values.set(this.row(id), at * this.width));
    return values;
  }
}

function nameOf({ blob, variant }: FeatureId): string {
  return `${variant}/${blob}`;
}

/** The plain images of items. */
export function plainIds(items: readonly Pick<Item, 'blob'>[]): FeatureId[] {
  return items.map(({ blob }) => ({ blob, variant: PLAIN }));
}

export interface FeatureSplit {
  items: readonly Item[];
  task: Task;
  classes: readonly string[];
  /** Of the input of the graph that reads them, [height, width, channels]. */
  shape: readonly number[];
  batchSize: number;
  seed: number;
  /** Draws another order each epoch, as the loader of images does. */
  shuffle: boolean;
  /** Another order than that, by epoch. */
  order?: (epoch: number) => Uint32Array;
  /** Changed copies of each image; epoch e takes copy 1 + e mod copies. 0 takes the plain image. */
  copies: number;
}

/** One split as batches of features, [n, ...shape]. */
export function featureSource(table: FeatureTable, split: FeatureSplit): BatchSource {
  const { items, task, classes, batchSize, seed, shuffle, copies } = split;
  const [height, width, channels] = split.shape;
  const minimum = shuffle ? MINIMUM_TRAIN_BATCH : 1;
  const batches = stepsPerEpoch(items.length, batchSize, minimum);
  return {
    items,
    batches,
    async *epoch(epoch, first = 0) {
      const order = split.order?.(epoch) ?? epochOrder(items.length, seed, epoch, shuffle);
      const variant = copies === 0 ? PLAIN : 1 + (epoch % copies);
      for (let step = first; step < batches; step++) {
        const indices = [...order.subarray(...batchRange(step, items.length, batchSize, minimum))];
        const ids = indices.map((index) => ({ blob: items[index].blob, variant }));
        const annotations = indices.map((index) => items[index].annotation);
        yield {
          images: table.rows(ids),
          shape: [indices.length, height, width, channels],
          indices,
          targets: task.targets(annotations, classes),
        };
      }
    },
  };
}
