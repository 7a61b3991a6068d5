// k-fold cross-validation: train and validation images together, divided anew into as many parts as there are folds, of which one
// is held out. The test split stays as it is. Pure.

import { shuffle, stream } from '$lib/core/random';
import type { Job } from '$lib/job/job';
import type { DatasetVersionRecord, Item } from '$lib/storage/records';
import { getTask } from '$lib/tasks/registry';

export interface Folding {
  /** 2 or more. */
  folds: number;
  /** Which one is held out, from 0. */
  fold: number;
  seed: number;
  /** Group of an item, of which every fold gets its share. */
  stratum: (item: Item) => number;
}

/**
 * The items with their split changed. Each image of train and validation is held out in exactly one fold; the parts of a group, and
 * the folds as a whole, differ by at most one image. The same folds come out whichever of them is asked for.
 */
export function foldItems(items: readonly Item[], { folds, fold, seed, stratum }: Folding): Item[] {
  const groups = new Map<number, number[]>();
  items.forEach((item, index) => {
    if (item.split === 'test') return;
    const group = stratum(item);
    const own = groups.get(group);
    if (own === undefined) groups.set(group, [index]);
    else own.push(index);
  });
  // One round over all groups: where one group ends the next begins, so that no fold gets all the odd ones.
  const dealt = [...groups.entries()]
    .sort(([a], [b]) => a - b)
    .flatMap(([group, own]) => [...shuffle(own, stream(seed, 'folds', group))]);
  const held = new Set(dealt.filter((_, place) => place % folds === fold));
  return items.map((item, index) =>
    item.split === 'test' ? item : { ...item, split: held.has(index) ? 'val' : 'train' },
  );
}

/** A data set version as a job sees it: with its folds where it has some. */
export function versionFor<Version extends Pick<DatasetVersionRecord, 'items'>>(
  version: Version,
  { task: id, validation, seed }: Pick<Job, 'task' | 'validation' | 'seed'>,
): Version {
  const { folds, fold } = validation;
  if (folds < 2) return version;
  const task = getTask(id);
  const strata = task.strata(version.items.map(({ annotation }) => annotation));
  const groups = new Map(version.items.map((item, index) => [item, strata[index]]));
  const stratum = (item: Item): number => groups.get(item) ?? -1;
  return { ...version, items: foldItems(version.items, { folds, fold, seed, stratum }) };
}
