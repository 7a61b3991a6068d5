// What the loop and the evaluator need of a loader: batches of one split with their targets. Tests make their own.

import type { Batch } from '$lib/engines/contract';
import type { Loader } from '$lib/pipeline/loader';
import type { Annotation, Item } from '$lib/storage/records';
import type { Task } from '$lib/tasks/contract';

export interface SourceBatch extends Batch {
  /** Of each image in the batch, as indices into the split. */
  indices: readonly number[];
}

/** One split, batch by batch. */
export interface BatchSource {
  readonly items: readonly Item[];
  /** In an epoch. */
  readonly batches: number;
  /** The batches of an epoch from `first` on; epochs count from 0. Every call starts afresh and gives the same batches. */
  epoch(epoch: number, first?: number): AsyncIterable<SourceBatch>;
}

/** A loader's images with the task's targets. `shuffle` draws another order each epoch; `order` gives one. */
export function sourceOf(
  loader: Pick<Loader, 'stepsPerEpoch' | 'epoch'>,
  split: {
    items: readonly Item[];
    task: Task;
    classes: readonly string[];
    shuffle: boolean;
    order?: (epoch: number) => Uint32Array;
  },
): BatchSource {
  const { items, task, classes, shuffle } = split;
  return {
    items,
    batches: loader.stepsPerEpoch,
    async *epoch(epoch, from) {
      for await (const { images, shape, indices } of loader.epoch(epoch, {
        shuffle,
        from,
        order: split.order?.(epoch),
      })) {
        const annotations = indices.map((index) => items[index].annotation);
        yield { images, shape, indices, targets: task.targets(annotations, classes) };
      }
    },
  };
}

/** The annotations of a split, in its order. */
export function annotationsOf(items: readonly Item[]): Annotation[] {
  return items.map(({ annotation }) => annotation);
}
