// Which images of a version the gallery shows, and the same as parameters of the address. Pure.
import { classesOf } from '$lib/core/annotations';
import type { DatasetVersionRecord, Item, SplitName } from '$lib/storage/records';
import { groupOf, pathsOf, type ProblemGroupId } from './problems';

export interface Filter {
  /** Name, not index: it survives a merge. */
  class: string | null;
  split: SplitName | null;
  problem: ProblemGroupId | null;
  /** Part of the path, without case. */
  text: string;
}

export const SPLITS = ['train', 'val', 'test'] as const satisfies readonly SplitName[];
export const SPLIT_TITLE: Record<SplitName, string> = { train: 'Train', val: 'Validation', test: 'Test' };

/** Problems that name images of the data set. */
export const IMAGE_PROBLEMS = ['conflict', 'leak', 'duplicate'] as const satisfies readonly ProblemGroupId[];

export function readFilter(query: URLSearchParams): Filter {
  return {
    class: query.get('class'),
    split: SPLITS.find((name) => name === query.get('split')) ?? null,
    problem: IMAGE_PROBLEMS.find((name) => name === query.get('problem')) ?? null,
    text: query.get('q') ?? '',
  };
}

export function isFiltered(filter: Filter): boolean {
  return filter.class !== null || filter.split !== null || filter.problem !== null || filter.text !== '';
}

/** 'sky, sea' where there are several; '' without any. */
export function classNameOf(version: DatasetVersionRecord, item: Item): string {
  return classesOf(item.annotation)
    .map((index) => version.classes[index]?.name ?? '')
    .join(', ');
}

/** In the version's order. One pass: 10,000 items take about a millisecond. */
export function filterItems(
  version: DatasetVersionRecord,
  filter: Filter,
  hidden: ReadonlySet<string>,
): readonly Item[] {
  if (!isFiltered(filter) && hidden.size === 0) return version.items;
  const wanted = version.classes.findIndex(({ name }) => name === filter.class);
  const text = filter.text.toLowerCase();
  const named =
    filter.problem === null
      ? null
      : new Set(version.problems.filter((problem) => groupOf(problem) === filter.problem).flatMap(pathsOf));
  return version.items.filter(
    ({ path, split, annotation }) =>
      !hidden.has(path) &&
      (filter.class === null || classesOf(annotation).includes(wanted)) &&
      (filter.split === null || split === filter.split) &&
      (named === null || named.has(path)) &&
      (text === '' || path.toLowerCase().includes(text)),
  );
}

export interface Counts {
  classes: readonly number[];
  splits: Readonly<Record<SplitName, number>>;
  /** By class, then split. */
  perClass: readonly Readonly<Record<SplitName, number>>[];
}

export function countItems(version: DatasetVersionRecord): Counts {
  const perClass = version.classes.map(() => ({ train: 0, val: 0, test: 0 }));
  const splits = { train: 0, val: 0, test: 0 };
  for (const { annotation, split } of version.items) {
    splits[split]++;
    for (const index of classesOf(annotation)) perClass[index][split]++;
  }
  return { classes: perClass.map(({ train, val, test }) => train + val + test), splits, perClass };
}
