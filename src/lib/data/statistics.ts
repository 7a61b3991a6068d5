// Numbers about a whole version: channel means, sizes, and what a person should look at. Pure; decodes nothing.

import { countClasses, sameAnnotation } from '$lib/core/annotations';
import type { DataProblem, DatasetVersionRecord, Item, Statistics } from '$lib/storage/records';
import type { ChannelMoments } from './moments';

const MAX_SIZES = 50;
/** Below this, a usual validation split holds one image of the class or none. */
const SMALL_CLASS = 10;

/** [items, 6], the form in which moments are stored. */
export function packMoments(moments: readonly ChannelMoments[]): Float32Array<ArrayBuffer> {
  const packed = new Float32Array(moments.length * 6);
  moments.forEach((values, i) => packed.set(values, i * 6));
  return packed;
}

/** Rows of `channels` for those items that are kept. */
export function selectMoments(channels: Float32Array, rows: readonly number[]): Float32Array<ArrayBuffer> {
  const selected = new Float32Array(rows.length * 6);
  rows.forEach((row, i) => selected.set(channels.subarray(row * 6, row * 6 + 6), i * 6));
  return selected;
}

/**
 * Mean and standard deviation over the images of train, each image counting the same whatever its size, since training
 * scales them to one. Over all images where train is empty.
 */
export function computeStatistics(items: readonly Item[], channels: Float32Array): Statistics {
  const train = items.flatMap((item, i) => (item.split === 'train' ? [i] : []));
  const rows = train.length > 0 ? train : items.map((_, i) => i);
  const sums = [0, 0, 0, 0, 0, 0];
  for (const row of rows) for (let k = 0; k < 6; k++) sums[k] += channels[row * 6 + k];
  const [r, g, b, rr, gg, bb] = sums.map((sum) => (rows.length === 0 ? 0 : sum / rows.length));
  const deviation = (square: number, mean: number) => Math.sqrt(Math.max(0, square - mean * mean));
  const sizes = new Map<string, { width: number; height: number; count: number }>();
  for (const { width, height } of items) {
    const key = `${width}x${height}`;
    const size = sizes.get(key);
    if (size === undefined) sizes.set(key, { width, height, count: 1 });
    else size.count++;
  }
  const sorted = [...sizes.values()].sort((a, b) => b.count - a.count || a.width - b.width || a.height - b.height);
  return {
    mean: [r, g, b],
    std: [deviation(rr, r), deviation(gg, g), deviation(bb, b)],
    sampled: rows.length,
    sizes: sorted.slice(0, MAX_SIZES),
    otherSizes: sorted.slice(MAX_SIZES).reduce((sum, { count }) => sum + count, 0),
    bytes: items.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/** Duplicates and small classes, from the items alone. What happened while reading is not found again here. */
export function findProblems({ items, classes }: Pick<DatasetVersionRecord, 'items' | 'classes'>): DataProblem[] {
  const problems: DataProblem[] = [];
  const byContent = new Map<string, Item[]>();
  for (const item of items) {
    const same = byContent.get(item.blob);
    if (same === undefined) byContent.set(item.blob, [item]);
    else same.push(item);
  }
  for (const same of byContent.values()) {
    if (same.length < 2) continue;
    problems.push({
      kind: 'duplicate',
      paths: same.map(({ path }) => path),
      sameLabel: same.every(({ annotation }) => sameAnnotation(annotation, same[0].annotation)),
      acrossSplits: new Set(same.map(({ split }) => split)).size > 1,
    });
  }
  const counts = countClasses(
    items.map(({ annotation }) => annotation),
    classes.length,
  );
  classes.forEach(({ name }, i) => {
    if (counts[i] < SMALL_CLASS) problems.push({ kind: 'small-class', class: name, count: counts[i] });
  });
  return problems;
}

/** The problems of a version after an edit: those of reading stay where their subject does, the rest is found anew. */
export function refreshProblems(version: Pick<DatasetVersionRecord, 'items' | 'classes' | 'problems'>): DataProblem[] {
  const ofReading = version.problems.filter(({ kind }) => kind === 'unreadable' || kind === 'skipped');
  return [...ofReading, ...findProblems(version)];
}
