// The records of a sweep: its group, and an entry of the queue for each run, with a complete, checked job.

import { TrainyardError } from '$lib/core/errors';
import type { Job } from '$lib/job/job';
import { checkJob, type JobContext } from '$lib/job/parse';
import type { GroupRecord, QueueRecord, SweepSpecification } from '$lib/storage/records';
import { newEntry } from './entry';
import { countTrials, documentOf, shortPath, trialsOf, type Variant } from './plan';

export interface NewSweep {
  projectId: string;
  versionId: string;
  /** The base, complete. */
  job: Job;
  sweep: SweepSpecification;
  /** '' is one that says what varies. */
  title?: string;
  metric: GroupRecord['metric'];
  limits?: QueueRecord['limits'];
  /** Turn of the first run; the others follow. */
  order: number;
}

/** Throws 'sweep-invalid' for the sweep and for the first run whose job is none, which it names. */
export function createSweep(
  { projectId, versionId, job, sweep, title = '', metric, limits = { seconds: null }, order }: NewSweep,
  context: JobContext,
  now = Date.now(),
): { group: GroupRecord; entries: QueueRecord[] } {
  const group: GroupRecord = {
    id: crypto.randomUUID(),
    projectId,
    versionId,
    kind: sweep.method === 'folds' ? 'folds' : 'sweep',
    title: title === '' ? sweepTitle(sweep) : title,
    createdAt: now,
    job,
    sweep,
    rungs: [],
    metric,
  };
  const entries = trialsOf(sweep).map(({ name, variant }, i): QueueRecord => ({
    ...newEntry({ projectId, versionId, name, order: order + i, limits }, now),
    work: { kind: 'train', job: jobOfTrial(name, documentOf(job, sweep, variant), context) },
    groupId: group.id,
    variant,
  }));
  return { group, entries };
}

/** The paths in which the runs of a sweep differ, in their order. */
export function sweptPaths(sweep: SweepSpecification): string[] {
  if (sweep.method === 'grid') return Object.keys(sweep.values);
  return sweep.method === 'folds' ? ['validation.fold'] : Object.keys(sweep.space);
}

const METHODS = { grid: 'Grid', random: 'Random search', halving: 'Successive halving' } as const;

function sweepTitle(sweep: SweepSpecification): string {
  if (sweep.method === 'folds') return `${sweep.folds}-fold cross-validation`;
  const paths = sweptPaths(sweep);
  const fields = paths.map((path) => shortPath(path, paths)).join(', ');
  return `${METHODS[sweep.method]}: ${fields}, ${countTrials(sweep)} runs`;
}

function jobOfTrial(name: string, document: unknown, context: JobContext): Job {
  const { job, problems } = checkJob(document, context);
  if (problems.length === 0) return job;
  const list = problems.map(({ path, message }) => `${path}: ${message}`).join(' ');
  throw new TrainyardError(
    'sweep-invalid',
    `The run "${name}" cannot be: ${list}`,
    'Change its values or leave it out.',
  );
}

/** Whether a run differs from its group in this; for tables. */
export function variantValue(variant: Variant | undefined, path: string): unknown {
  return variant === undefined || !Object.hasOwn(variant, path) ? undefined : variant[path];
}
