// `trainyard sweep` on the page's side: makes the group, runs its queue as the page would, writes a folder for each run and one table.

import { csvText, type CsvValue } from '$lib/core/csv';
import type { Job } from '$lib/job/job';
import { MODELS } from '$lib/models/registry';
import { createSweep } from '$lib/queue/jobs';
import { parseGrid, parseSweep } from '$lib/queue/specification';
import type { Clients } from '$lib/rpc/client';
import { metricInfo, taskMeta } from '$lib/state/metrics';
import { QueueRunner, type Trainer } from '$lib/state/queue-runner';
import { summarizeGroup, variantText, type GroupRow, type GroupSummary } from '$lib/state/run-groups';
import { openDatabase, type Database } from '$lib/storage/database';
import { createGroup, getGroup } from '$lib/storage/groups';
import { listEvaluations } from '$lib/storage/evaluations';
import { listQueue } from '$lib/storage/queue';
import type { DatasetVersionRecord, GroupRecord, RunRecord, SweepSpecification } from '$lib/storage/records';
import { listRuns } from '$lib/storage/runs';
import { TASKS } from '$lib/tasks/catalog';
import type { RunEvent } from '$lib/training/events';
import { tell, writeFile } from './output';
import { json, type ResultOptions, type Results, type Trained } from './results';

const CATALOG = { models: MODELS, tasks: TASKS };

/** What varies, as it was written: `field=a,b,c` texts, a document, or a number of folds. */
export type SweepText =
  | { kind: 'settings'; settings: readonly string[] }
  | { kind: 'document'; document: unknown }
  | { kind: 'folds'; folds: number };

export function createSweepCommands(clients: Clients, writeRun: Results['writeRun']) {
  let stopping = false;

  /** Throws 'sweep-invalid' where the sweep, or the first of its jobs, cannot be. */
  function plan(job: Job, text: SweepText): SweepSpecification {
    const sweep = specificationOf(text);
    createSweep(requestOf(job, sweep, { projectId: '', versionId: '' }), CATALOG);
    return sweep;
  }

  async function run(
    version: DatasetVersionRecord,
    job: Job,
    text: SweepText,
    options: ResultOptions,
  ): Promise<Trained> {
    const database = await openDatabase();
    const sweep = plan(job, text);
    const place = { projectId: version.projectId, versionId: version.id };
    const { group, entries } = createSweep(requestOf(job, sweep, place), CATALOG);
    await createGroup(database, group, entries);
    tell('sweep', { type: 'planned', groupId: group.id, title: group.title, runs: entries.length });
    return follow(database, group, options);
  }

  async function resume({ groupId, ...options }: { groupId: string } & ResultOptions): Promise<Trained> {
    const database = await openDatabase();
    return follow(database, await getGroup(database, groupId), options);
  }

  /** Runs what the group's queue still holds, and writes what came of all of it. */
  async function follow(database: Database, group: GroupRecord, options: ResultOptions): Promise<Trained> {
    const runner = new QueueRunner(database, trainer(clients), { stopping: () => stopping });
    let ended = 0;
    while (!stopping) {
      const outcome = await runner.turn();
      if (!('until' in outcome)) {
        const { entry, run: trained } = outcome;
        if (trained !== null) tell('sweep', { type: 'run', done: ++ended, name: entry.name, best: trained.best });
        else tell('notice', { type: 'notice', message: `${entry.name}: ${await failureOf(database, entry.id)}` });
        continue;
      }
      if (outcome.until === null) break;
      await new Promise((resolve) =>
        setTimeout(resolve, Math.min(1000, Math.max(0, (outcome.until ?? 0) - Date.now()))),
      );
    }
    const [runs, entries] = await Promise.all([listRuns(database, group.projectId), listQueue(database)]);
    const summary = summarizeGroup(await getGroup(database, group.id), runs, entries);
    const folders = foldersOf(summary.rows);
    for (const { run: trained } of summary.rows) {
      const folder = folders.get(trained.id) ?? trained.id;
      // A run without weights has nothing to export; the table says that it failed.
      const written = trained.stepsDone > 0 ? writeRun(database, trained, options, `${folder}/`) : null;
      await written?.catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        tell('notice', { type: 'notice', message: `${folder} is not complete: ${reason}` });
      });
    }
    const table = await tableOf(database, summary, folders);
    await writeFile('sweep.json', json(table));
    await writeFile('sweep.csv', csvOf(summary, folders));
    const left = summary.counts.waiting > 0;
    return { status: left ? 'stopped' : 'done', evaluation: table };
  }

  return {
    plan,
    run,
    resume,
    /** The run under way ends with a checkpoint, and no other one begins. */
    stop(): void {
      stopping = true;
    },
  };
}

function specificationOf(text: SweepText): SweepSpecification {
  if (text.kind === 'folds') return { method: 'folds', folds: text.folds };
  return text.kind === 'settings' ? parseGrid(text.settings) : parseSweep(text.document);
}

function requestOf(job: Job, sweep: SweepSpecification, place: { projectId: string; versionId: string }) {
  const task = taskMeta(job.task);
  const name = job.validation.metric || task.primaryMetric;
  const metric = { name: `val_${name}`, better: metricInfo(task, name)?.better ?? 'higher' };
  return { ...place, job, sweep, metric, order: 1 };
}

function trainer({ train: { api } }: Clients): Trainer {
  const heard = (onStarted: (runId: string) => void) => (event: RunEvent) => {
    tell('train', event);
    if (event.type === 'started') onStarted(event.runId);
  };
  return {
    start: (request, onStarted) => api.train(request, heard(onStarted)),
    resume: (runId, onStarted) => api.resume(runId, heard(onStarted)),
    extend: (runId, epochs, onStarted) => api.extend(runId, epochs, heard(onStarted)),
  };
}

async function failureOf(database: Database, entryId: string): Promise<string> {
  const entry = await database.get('queue', entryId);
  if (entry?.error == null) return 'it did not end';
  const again = entry.notBefore === null ? '' : ` It is tried again (attempt ${entry.attempts + 1}).`;
  return `${entry.error.message}${again}`;
}

/** '01-learning_rate-0.1': in the order of the trials, with what is fit for every file system. */
function foldersOf(rows: readonly GroupRow[]): Map<string, string> {
  const digits = Math.max(2, String(rows.length).length);
  return new Map(
    rows.map(({ run }, i) => {
      const name = run.name.replaceAll(/[^\w.]+/g, '-').slice(0, 60);
      return [run.id, `${String(i + 1).padStart(digits, '0')}-${name}`];
    }),
  );
}

async function tableOf(
  database: Database,
  { group, rows, columns, best, mean, deviation }: GroupSummary,
  folders: ReadonlyMap<string, string>,
): Promise<unknown> {
  const described = await Promise.all(
    rows.map(async ({ run, value, rank }) => {
      const [evaluation] = await listEvaluations(database, run.id);
      return {
        rank,
        name: run.name,
        folder: folders.get(run.id),
        values: Object.fromEntries(columns.map(({ path }) => [path, valueOf(run, path)])),
        [group.metric.name]: value,
        epoch: run.best?.epoch ?? null,
        epochs: run.epochsDone,
        status: run.status,
        ...(evaluation === undefined ? {} : { [evaluation.split]: evaluation.result.metrics }),
        ...(run.error === null ? {} : { error: run.error.message }),
      };
    }),
  );
  return {
    title: group.title,
    sweep: group.sweep,
    metric: group.metric,
    best: best === null ? null : (folders.get(best.run.id) ?? null),
    ...(group.kind === 'folds' ? { mean, deviation } : {}),
    runs: described.toSorted((a, b) => (a.rank ?? Infinity) - (b.rank ?? Infinity)),
  };
}

function valueOf({ variant = {} }: RunRecord, path: string): unknown {
  return Object.hasOwn(variant, path) ? variant[path] : null;
}

function csvOf({ group, rows, columns }: GroupSummary, folders: ReadonlyMap<string, string>): string {
  function* lines(): Generator<CsvValue[]> {
    yield ['rank', 'folder', ...columns.map(({ path }) => path), group.metric.name, 'epoch', 'epochs', 'status'];
    for (const { run, value, rank } of rows.toSorted((a, b) => (a.rank ?? Infinity) - (b.rank ?? Infinity))) {
      const values = columns.map(({ path }) => variantText(run, path));
      yield [rank, folders.get(run.id) ?? '', ...values, value, run.best?.epoch ?? null, run.epochsDone, run.status];
    }
  }
  return csvText(lines());
}
