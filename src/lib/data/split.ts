// Divides a data set into train, val and test: seeded, stratified, and never the same content on both sides.

import { classesOf, strataOf } from '$lib/core/annotations';
import { TrainyardError } from '$lib/core/errors';
import { shuffle, stream } from '$lib/core/random';
import type { Annotation, Item, SplitName, SplitSettings } from '$lib/storage/records';
import { compareText } from './files';

export type SplitItem = Pick<Item, 'path' | 'blob' | 'annotation' | 'folderSplit'>;

export interface SplitResult {
  /** By item. */
  splits: SplitName[];
  counts: Readonly<Record<SplitName, number>>;
  /** As applied: 'folders' becomes 'fractions' where no folder says a split. */
  settings: SplitSettings;
}

type HeldOut = 'val' | 'test';
const HELD_OUT: readonly HeldOut[] = ['test', 'val'];

/**
 * The split of each item. Depends on the contents, the settings and nothing else, so not on the order of the items.
 * Items of the same content go together; with 'fractions' the counts of val and test are the fractions of the whole, rounded,
 * as far as each stratum keeps one item in train. With 'folders' the folders decide, and a val or test that they lack is taken
 * from train by its fraction of train. Throws 'bad-split' for fractions that leave nothing to train with.
 */
export function makeSplit(items: readonly SplitItem[], settings: SplitSettings): SplitResult {
  checkFractions(settings);
  const fromFolders = settings.source === 'folders' && items.some(({ folderSplit }) => folderSplit !== undefined);
  const splits = items.map((item): SplitName => (fromFolders && item.folderSplit) || 'train');
  const wanted = HELD_OUT.filter((name) => settings[name] > 0 && !(fromFolders && splits.includes(name)));
  const groups = groupByContent(items, splits);
  for (const group of assign(groups, wanted, settings)) {
    for (const index of group.indices) splits[index] = group.split;
  }
  const counts: Record<SplitName, number> = { train: 0, val: 0, test: 0 };
  for (const split of splits) counts[split]++;
  return { splits, counts, settings: { ...settings, source: fromFolders ? 'folders' : 'fractions' } };
}

interface Group {
  /** Orders the groups independently of where the items came from. */
  key: string;
  stratum: number;
  indices: number[];
  split: SplitName;
}

/** The items of train, those of the same content together; the first path's stratum counts where labels differ. */
function groupByContent(items: readonly SplitItem[], splits: readonly SplitName[]): Group[] {
  const groups = new Map<string, Group>();
  const strata = strataToSplit(items.map(({ annotation }) => annotation));
  const order = items.map((_, i) => i).sort((a, b) => compareText(items[a].path, items[b].path));
  for (const i of order) {
    if (splits[i] !== 'train') continue;
    const { blob } = items[i];
    const group = groups.get(blob);
    if (group === undefined) groups.set(blob, { key: blob, stratum: strata[i], indices: [i], split: 'train' });
    else group.indices.push(i);
  }
  return [...groups.values()].sort((a, b) => compareText(a.key, b.key));
}

/** With fewer images than this a combination of classes has none or one of them held out, as luck has it. */
const COMMON_COMBINATION = 8;

/** By class; where images have several, by their combination where it is common, else by the rarest class. */
function strataToSplit(annotations: readonly Annotation[]): ArrayLike<number> {
  const strata = strataOf(annotations);
  if (!annotations.some(({ kind }) => kind === 'classes')) return strata;
  const combinations = annotations.map((annotation) => classesOf(annotation).join());
  const counts = new Map<string, number>();
  for (const name of combinations) counts.set(name, (counts.get(name) ?? 0) + 1);
  return combinations.map((name, i) => ((counts.get(name) ?? 0) < COMMON_COMBINATION ? strata[i] : numberOf(name)));
}

/** FNV-1a, below the numbers of single classes: the same whatever other combinations there are. */
function numberOf(combination: string): number {
  let hash = 0x811c9dc5;
  for (const character of combination) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  return -2 - (hash >>> 1);
}

/** Moves groups from train to the wanted splits. */
function assign(groups: Group[], wanted: readonly HeldOut[], settings: SplitSettings): Group[] {
  const strata = new Map<number, Group[]>();
  for (const group of groups) {
    const key = settings.stratified ? group.stratum : 0;
    strata.set(key, [...(strata.get(key) ?? []), group]);
  }
  const names = [...strata.keys()].sort((a, b) => a - b);
  const pools = names.map((name) => shuffle(strata.get(name) ?? [], stream(settings.seed, 'split', name)));
  const sizes = pools.map((pool) => pool.reduce((sum, group) => sum + group.indices.length, 0));
  // One item of each stratum stays in train; in an unstratified split one of each class, see below.
  const spare = pools.map((pool, i) => sizes[i] - (pool.length > 0 ? pool[pool.length - 1].indices.length : 0));
  const taken = pools.map(() => 0);
  for (const name of wanted) {
    const quotas = apportion(sizes, settings[name], spare);
    pools.forEach((pool, i) => {
      let left = quotas[i];
      // The last group is the one that stays.
      while (left > 0 && taken[i] < pool.length - 1) {
        const group = pool[taken[i]];
        // A group of several that does not fit any more would overshoot; it stays, the next may fit.
        if (group.indices.length > left) {
          const fitting = pool.findIndex(
            (other, at) => at > taken[i] && at < pool.length - 1 && other.indices.length <= left,
          );
          if (fitting < 0) break;
          [pool[taken[i]], pool[fitting]] = [pool[fitting], pool[taken[i]]];
          continue;
        }
        group.split = name;
        left -= group.indices.length;
        spare[i] -= group.indices.length;
        taken[i]++;
      }
    });
  }
  if (!settings.stratified) keepOneOfEach(groups);
  return groups;
}

/** Without strata chance may take all of a class; its first group then goes back to train. */
function keepOneOfEach(groups: readonly Group[]): void {
  const trained = new Set(groups.filter(({ split }) => split === 'train').map(({ stratum }) => stratum));
  for (const group of groups) {
    if (trained.has(group.stratum)) continue;
    group.split = 'train';
    trained.add(group.stratum);
  }
}

/**
 * Whole numbers near sizes * fraction whose sum is the rounded total: the largest remainders are rounded up. Never more than
 * what is to spare.
 */
function apportion(sizes: readonly number[], fraction: number, spare: readonly number[]): number[] {
  const exact = sizes.map((size) => size * fraction);
  const quotas = exact.map((value, i) => Math.min(Math.floor(value + 1e-9), spare[i]));
  let left = Math.round(exact.reduce((sum, value) => sum + value, 0)) - quotas.reduce((sum, quota) => sum + quota, 0);
  const remainder = (i: number) => exact[i] - Math.floor(exact[i] + 1e-9);
  const order = sizes.map((_, i) => i).sort((a, b) => remainder(b) - remainder(a) || sizes[b] - sizes[a] || a - b);
  for (const i of order) {
    if (left <= 0) break;
    if (quotas[i] >= spare[i]) continue;
    quotas[i]++;
    left--;
  }
  return quotas;
}

function checkFractions({ val, test }: SplitSettings): void {
  const valid = [val, test].every((fraction) => Number.isFinite(fraction) && fraction >= 0) && val + test < 1;
  if (valid) return;
  throw new TrainyardError(
    'bad-split',
    `A split with ${val} for validation and ${test} for test leaves nothing to train with or is negative.`,
    'Choose fractions of 0 or more whose sum is below 1, such as 0.15 and 0.15.',
  );
}
