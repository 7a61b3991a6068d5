// In which order and in which batches an epoch goes through its items. Arithmetic only.

import { shuffle, stream } from '$lib/core/random';

/**
 * A last batch smaller than this joins the batch before it. Batch norm has no variance over a single image (the loss jumps, and
 * PyTorch refuses); dropping the rest instead would leave images out of an epoch.
 */
export const MINIMUM_TRAIN_BATCH = 2;

/** Batches of an epoch: all of `batchSize`, the last as large as what is left (`minimum` as above; 1 for evaluation). */
export function stepsPerEpoch(items: number, batchSize: number, minimum = MINIMUM_TRAIN_BATCH): number {
  const full = Math.floor(items / batchSize);
  const rest = items % batchSize;
  return rest === 0 || (rest < minimum && full > 0) ? full : full + 1;
}

/** First item of batch `step` and the one past its last, as positions in the epoch's order. */
export function batchRange(step: number, items: number, batchSize: number, minimum: number): [number, number] {
  const last = step === stepsPerEpoch(items, batchSize, minimum) - 1;
  return [step * batchSize, last ? items : (step + 1) * batchSize];
}

/** Item indices in the epoch's order: the stream (seed, 'order', epoch), or as they are. */
export function epochOrder(items: number, seed: number, epoch: number, shuffled: boolean): Uint32Array {
  const order = Uint32Array.from({ length: items }, (_, index) => index);
  return shuffled ? shuffle(order, stream(seed, 'order', epoch)) : order;
}

/** Images of a class that {@link pairedOrder} keeps side by side. */
const PAIRED = 4;

/**
 * Item indices in an order in which images of a class come in groups of up to 4, for losses that compare images of a batch: batches
 * of a multiple of 4 then hold several images of each of their classes, however many classes there are. Both the groups and their
 * order are drawn from the stream (seed, 'pairs', epoch); groups that did not become full come last.
 */
export function pairedOrder(strata: readonly number[], seed: number, epoch: number): Uint32Array {
  const random = stream(seed, 'pairs', epoch);
  const members = new Map<number, number[]>();
  strata.forEach((stratum, index) => {
    const own = members.get(stratum);
    if (own === undefined) members.set(stratum, [index]);
    else own.push(index);
  });
  const [full, rest]: number[][][] = [[], []];
  for (const own of members.values()) {
    shuffle(own, random);
    for (let at = 0; at < own.length; at += PAIRED) {
      const group = own.slice(at, at + PAIRED);
      (group.length === PAIRED ? full : rest).push(group);
    }
  }
  return Uint32Array.from([...shuffle(full, random), ...shuffle(rest, random)].flat());
}
