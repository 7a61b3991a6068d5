// Sweeps and cross-validations as tables: a row for each run, ranked by the group's metric. Pure.
import { getPath } from '$lib/core/path';
import { meanAndDeviation, ranked } from '$lib/queue/halving';
import { shortPath, valueText } from '$lib/queue/plan';
import type { GroupRecord, QueueRecord, RunRecord, SweepSpecification } from '$lib/storage/records';

export interface GroupRow {
  run: RunRecord;
  /** Best value of the group's metric; null where the run has none. */
  value: number | null;
  /** 1 is the best; null without a value. */
  rank: number | null;
}

export interface GroupSummary {
  group: GroupRecord;
  rows: readonly GroupRow[];
  /** Paths in which the runs differ, with their short titles. */
  columns: readonly { path: string; title: string }[];
  /** Of the present rung. */
  counts: { done: number; running: number; waiting: number; failed: number };
  best: GroupRow | null;
  /** Over all runs that have a value: what k-fold is made for. */
  mean: number | null;
  deviation: number | null;
}

/** `entries` are those of the queue, of any group. */
export function summarizeGroup(
  group: GroupRecord,
  runs: readonly RunRecord[],
  entries: readonly QueueRecord[],
): GroupSummary {
  const members = runs
    .filter(({ groupId }) => groupId === group.id)
    .map((run) => ({ run, runId: run.id, value: valueOf(run, group.metric.name) }));
  const order = ranked(members, group.metric.better).map(({ runId }) => runId);
  const rows = members
    .toSorted((a, b) => a.run.createdAt - b.run.createdAt)
    .map(({ run, value }): GroupRow => ({
      run,
      value,
      rank: order.includes(run.id) ? order.indexOf(run.id) + 1 : null,
    }));
  const paths = pathsOf(
    group.sweep,
    rows.map(({ run }) => run),
  );
  const own = entries.filter(({ groupId }) => groupId === group.id);
  const count = (status: QueueRecord['status']) => own.filter((entry) => entry.status === status).length;
  const values = rows.flatMap(({ value }) => value ?? []);
  return {
    group,
    rows,
    columns: paths.map((path) => ({ path, title: shortPath(path, paths) })),
    counts: { done: count('done'), running: count('running'), waiting: count('waiting'), failed: count('failed') },
    best: rows.find(({ rank }) => rank === 1) ?? null,
    ...meanAndDeviation(values),
  };
}

/** As a cell shows it. */
export function variantText(run: RunRecord, path: string): string {
  const value =
    run.variant !== undefined && Object.hasOwn(run.variant, path) ? run.variant[path] : getPath(run.job, path);
  if (path === 'validation.fold' && typeof value === 'number') return String(value + 1);
  return value === undefined ? '' : valueText(value);
}

function valueOf({ best }: RunRecord, metric: string): number | null {
  return best?.metric === metric && Number.isFinite(best.value) ? best.value : null;
}

function pathsOf(sweep: SweepSpecification, runs: readonly RunRecord[]): string[] {
  switch (sweep.method) {
    case 'grid':
      return Object.keys(sweep.values);
    case 'folds':
      return ['validation.fold'];
    default: {
      const known = Object.keys(sweep.space);
      const more = runs.flatMap(({ variant }) => Object.keys(variant ?? {}));
      return [...new Set([...known, ...more])];
    }
  }
}
