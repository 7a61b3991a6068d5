// Several runs side by side: their curves over one another and the settings in which they differ. Pure.
import { getPath, isObject, joinPath } from '$lib/core/path';
import type { Fields } from '$lib/core/schema';
import { fieldAt } from '$lib/core/validate';
import type { Job } from '$lib/job/job';
import type { Series } from '$lib/ui/charts/series';
import type { RunCurves } from './run-curves';

/** More curves than this cannot be told apart. */
export const MOST_COMPARED = 5;

export interface ComparedRun {
  id: string;
  name: string;
  /** CSS colour. */
  color: string;
  job: Job;
  curves: RunCurves | undefined;
}

export interface SettingRow {
  /** Dotted path in the job. */
  path: string;
  title: string;
  /** One for each run; '' where its job has no such setting. */
  values: readonly string[];
  differs: boolean;
}

/** A curve of a run, on the axis that is asked for. */
type CurveOf = (curves: RunCurves) => { x: readonly number[]; y: readonly (number | null)[] };

/** The same curve of each run, times `scale`. Dashes tell neighbours apart besides their colours. */
export function overlaySeries(runs: readonly ComparedRun[], curveOf: CurveOf, scale = 1): Series[] {
  return runs.flatMap(({ id, name, color, curves }, index) => {
    const { x, y } = curves === undefined ? { x: [], y: [] } : curveOf(curves);
    if (x.length === 0) return [];
    const values = scale === 1 ? y : y.map((value) => value && value * scale);
    return [{ id, label: name, color, x, y: values, dashed: index % 2 === 1 }];
  });
}

/** Names of the metrics that any of the runs told, in the order of their first use. */
export function commonMetrics(runs: readonly ComparedRun[]): string[] {
  return [...new Set(runs.flatMap(({ curves }) => curves?.metricNames() ?? []))];
}

/** Every setting of the jobs, in the order of the first; `fieldsOf` names them. */
export function compareJobs(jobs: readonly Job[], fieldsOf: (job: Job) => Fields): SettingRow[] {
  const paths = [...new Set(jobs.flatMap((job) => leaves(job)))];
  const fields = jobs.map(fieldsOf);
  return paths.map((path) => {
    const values = jobs.map((job) => shown(getPath(job, path)));
    const named = fields.map((known) => titleOf(known, path)).find((title) => title !== '');
    return { path, title: named ?? path, values, differs: new Set(values).size > 1 };
  });
}

/** 'Optimiser: weight decay'; '' where the schema has no such field. */
function titleOf(fields: Fields, path: string): string {
  const field = fieldAt(fields, path);
  if (field === undefined) return '';
  const parent = path.includes('.') ? fieldAt(fields, path.slice(0, path.lastIndexOf('.'))) : undefined;
  if (parent === undefined || parent.title === field.title) return field.title;
  return `${parent.title}: ${field.title.charAt(0).toLowerCase()}${field.title.slice(1)}`;
}

function leaves(value: unknown, path = ''): string[] {
  if (!isObject(value)) return [path];
  return Object.entries(value).flatMap(([key, inside]) => leaves(inside, joinPath(path, key)));
}

function shown(value: unknown): string {
  if (value === undefined) return '';
  if (value === null || value === '') return 'none';
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return Array.isArray(value) ? value.join(', ') : String(value);
}
