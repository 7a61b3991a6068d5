// Successive halving: who goes on after a rung. And what a group says as a whole: ranks, mean and deviation. Arithmetic on records.

import type { GroupRecord } from '$lib/storage/records';
import { rungsOf } from './plan';

/** A run of a group as far as it matters here; `value` is its best, null where it has none (it failed). */
export interface Standing {
  runId: string;
  value: number | null;
}

/** Ids of the best `count`, best first. A run without a value never goes on. Equal values: whoever comes first in the list. */
export function survivors(standings: readonly Standing[], count: number, better: 'higher' | 'lower'): string[] {
  return ranked(standings, better)
    .slice(0, count)
    .map(({ runId }) => runId);
}

/** Those with a value, best first; stable. */
export function ranked<S extends Standing>(standings: readonly S[], better: 'higher' | 'lower'): S[] {
  const sign = better === 'higher' ? -1 : 1;
  return standings
    .filter(({ value }) => value !== null && Number.isFinite(value))
    .toSorted((a, b) => sign * ((a.value ?? 0) - (b.value ?? 0)));
}

/**
 * The next rung of a group whose present one is complete: who goes on, and with how many epochs more. Null when the last rung is done,
 * when nobody is left, or when the group is no halving. `standings` are those of the present rung's runs.
 */
export function nextRung(
  group: Pick<GroupRecord, 'sweep' | 'rungs' | 'metric'>,
  standings: readonly Standing[],
): { done: GroupRecord['rungs'][number]; more: number } | null {
  const { sweep, rungs, metric } = group;
  if (sweep.method !== 'halving') return null;
  const plan = rungsOf(sweep);
  const now = rungs.length;
  if (now + 1 >= plan.length) return null;
  const on = survivors(standings, plan[now + 1].trials, metric.better);
  if (on.length === 0) return null;
  return { done: { epochs: plan[now].epochs, survivors: on }, more: plan[now + 1].epochs - plan[now].epochs };
}

/** Arithmetic mean and sample standard deviation (n - 1); null for fewer than one and two values. */
export function meanAndDeviation(values: readonly number[]): { mean: number | null; deviation: number | null } {
  const { length } = values;
  if (length === 0) return { mean: null, deviation: null };
  const mean = values.reduce((sum, value) => sum + value, 0) / length;
  if (length === 1) return { mean, deviation: null };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / (length - 1)) };
}
