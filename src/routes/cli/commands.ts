// The commands of `trainyard` on the page's side: what the screens do with clicks, done in one go with the same workers.

import { TrainyardError } from '$lib/core/errors';
import { evaluationJson } from '$lib/evaluation/evaluation-json';
import { historyCsv } from '$lib/evaluation/history';
import type { Job } from '$lib/job/job';
import { parseJob } from '$lib/job/parse';
import { summarizeData } from '$lib/job/resolve';
import { BROKEN_MODELS, MODELS } from '$lib/models/registry';
import type { Clients } from '$lib/rpc/client';
import type { DeviceRequest } from '$lib/engines/contract';
import type { ExportFormat, ExportReport } from '$lib/interchange/contract';
import type { ImportSource, ImportSummary } from '$lib/data/contract';
import type { ModelReference } from '$lib/rpc/protocol';
import { openDatabase, type Database } from '$lib/storage/database';
import { getVersion } from '$lib/storage/datasets';
import { getImageResults, listEvaluations } from '$lib/storage/evaluations';
import { listCheckpoints } from '$lib/storage/checkpoints';
import { getRun, readEvents } from '$lib/storage/runs';
import type { EvaluationRecord, RunRecord, RunStatus, SplitName, SplitSettings } from '$lib/storage/records';
import { TASKS } from '$lib/tasks/catalog';
import { getTask } from '$lib/tasks/registry';
import { bench } from './bench';
import { createParity } from './parity';
import type { Inputs } from './inputs';
import { tell, writeFile } from './output';
import { createWeightsCommands } from './weights';

/** Lines about duplicates and small classes; thousands would bury the rest. */
const LATE_PROBLEMS = 50;
const ALL_FORMATS: readonly ExportFormat[] = ['onnx', 'tfjs', 'safetensors', 'pytorch'];

export interface EvaluateRequest {
  split: SplitName | 'all';
  checkpoint: string;
  device: DeviceRequest;
  /** Of the run. */
  settings: SplitSettings;
}

export interface Prepared {
  document: unknown;
  overrides: readonly string[];
}

/** What a command that trains answers with. */
export interface Trained {
  status: RunStatus;
  /** For stdout; null where nothing was held out. */
  evaluation: unknown;
}

export function createCommands(clients: Clients, inputs: Inputs) {
  let prepared: Prepared | null = null;
  const weights = createWeightsCommands(clients, inputs);
  const catalog = { models: MODELS, tasks: TASKS };

  /** Checks a job as far as that is possible without its data, so that mistakes cost no waiting. */
  function prepare(request: Prepared): { data: Job['data']; weights: string | null } {
    const { job } = parseJob(request.document, { ...catalog, overrides: request.overrides });
    prepared = request;
    return { data: job.data, weights: job.model.weights };
  }

  async function train(): Promise<Trained> {
    if (prepared === null) throw internal('No job was prepared.');
    const { document, overrides } = prepared;
    const first = parseJob(document, { ...catalog, overrides });
    const files = inputs.under('');
    const name = dataName(first.job);
    return trainOn({ kind: 'files', name, files }, document, overrides, first.job);
  }

  /** The sample with the settings that "Try a sample" uses. */
  async function demo({ overrides }: { overrides: readonly string[] }): Promise<Trained> {
    const [{ SAMPLE_DEFAULTS }, { SAMPLE_JOB }] = await Promise.all([
      import('$lib/data/sample'),
      import('$lib/job/sample'),
    ]);
    const { job } = parseJob(SAMPLE_JOB, { ...catalog, overrides });
    return trainOn(SAMPLE_DEFAULTS, SAMPLE_JOB, overrides, job);
  }

  async function trainOn(
    source: ImportSource,
    document: unknown,
    overrides: readonly string[],
    checked: Job,
  ): Promise<Trained> {
    const { split } = checked.data;
    const summary = await clients.data.api.import(
      {
        taskId: crypto.randomUUID(),
        projectId: null,
        projectName: source.kind === 'sample' ? 'Sample' : source.name,
        source,
        split: {
          source: split.source === 'fractions' ? 'fractions' : 'folders',
          val: split.val,
          test: split.test,
          stratified: split.stratified,
          seed: checked.seed,
        },
        thumbnails: false,
      },
      (event) => tell('import', event),
    );
    tellImported(summary);

    const database = await openDatabase();
    const version = await getVersion(database, summary.versionId);
    const { job, notices } = parseJob(document, { ...catalog, overrides, data: summarizeData(version) });
    for (const message of notices) tell('notice', { type: 'notice', message });
    const run = await clients.train.api.train(
      { projectId: summary.projectId, versionId: summary.versionId, job, name: job.model.name },
      (event) => tell('train', event),
    );
    return writeRun(database, run);
  }

  /**
   * Evaluates a bundle on data given under 'data'. `split` 'all' takes every image; else the data's own folders decide, or the
   * run's fractions and seed, which give its held-out images again when the data are those of the run.
   */
  async function evaluate(request: EvaluateRequest): Promise<unknown> {
    const { split, checkpoint, device, settings } = request;
    const everything: SplitSettings = { ...settings, source: 'fractions', val: 0, test: 0 };
    const summary = await clients.data.api.import(
      {
        taskId: crypto.randomUUID(),
        projectId: null,
        projectName: 'Evaluation',
        source: { kind: 'files', name: 'Evaluation', files: inputs.under('data') },
        split: split === 'all' ? everything : settings,
        thumbnails: false,
      },
      (event) => tell('import', event),
    );
    tellImported(summary);
    const record = await clients.infer.api.evaluate(
      {
        taskId: crypto.randomUUID(),
        model: bundle(),
        versionId: summary.versionId,
        split: split === 'all' ? 'train' : split,
        device,
      },
      (event) => tell('evaluate', event),
    );
    return { ...evaluationJson(record), split, checkpoint };
  }

  /** Goes on with a run of an earlier command; one that had only its files left to write writes them. */
  async function resume({ runId }: { runId: string }): Promise<Trained> {
    const database = await openDatabase();
    const run = await getRun(database, runId);
    if (run.status === 'done') return writeRun(database, run);
    return writeRun(database, await clients.train.api.resume(runId, (event) => tell('train', event)));
  }

  /** What is left of a run that failed. */
  async function standing({ runId }: { runId: string }): Promise<{ status: RunStatus; checkpoint: boolean }> {
    const database = await openDatabase();
    const { status } = await getRun(database, runId);
    const checkpoints = await listCheckpoints(database, runId);
    return { status, checkpoint: checkpoints.some(({ kind }) => kind === 'last') };
  }

  /** Writes all that `--out` promises and returns the evaluation. */
  async function writeRun(database: Database, run: RunRecord): Promise<Trained> {
    const events = (await readEvents(database, run.id)).map(({ time, event }) => ({ time, ...event }));
    await writeFile('job.json', json(run.job));
    await writeFile('history.csv', historyCsv(events));
    await writeFile('log.jsonl', events.map((event) => `${JSON.stringify(event)}\n`).join(''));
    const [evaluation] = await listEvaluations(database, run.id);
    if (evaluation !== undefined) await writeEvaluation(database, evaluation, run.classes, run.job.task);
    const best: ModelReference = { kind: 'run', runId: run.id, checkpoint: 'best' };
    const report = await exportTo(best, ALL_FORMATS, true);
    for (const checkpoint of ['best', 'last'] as const) {
      const { files } = await clients.infer.api.export(
        {
          taskId: crypto.randomUUID(),
          model: { kind: 'run', runId: run.id, checkpoint },
          formats: ['safetensors'],
          bundle: false,
        },
        () => undefined,
      );
      for (const { path, blob } of files) await writeFile(`checkpoints/${path.replace('model', checkpoint)}`, blob);
    }
    failOnBadExport(report);
    return { status: run.status, evaluation: evaluation === undefined ? null : evaluationJson(evaluation) };
  }

  async function writeEvaluation(
    database: Database,
    evaluation: EvaluationRecord,
    classes: readonly string[],
    task: string,
  ): Promise<void> {
    await writeFile('evaluation.json', json(evaluationJson(evaluation)));
    const results = await getImageResults(database, evaluation.id);
    await writeFile('predictions.csv', getTask(task).predictionsCsv(results, classes));
  }

  async function exportTo(
    model: ModelReference,
    formats: readonly ExportFormat[],
    bundle: boolean,
  ): Promise<ExportReport> {
    const request = { taskId: crypto.randomUUID(), model, formats, bundle };
    const exported = await clients.infer.api.export(request, (event) => tell('export', event));
    for (const { path, blob } of exported.files) await writeFile(path, blob);
    if (exported.bundle !== null) await writeFile('bundle.zip', exported.bundle);
    return exported.report;
  }

  function bundle(): ModelReference {
    const weights = inputs.one('weights') ?? undefined;
    return { kind: 'bundle', name: 'bundle.zip', file: inputs.need('bundle', 'The bundle'), weights };
  }

  async function exportModel({ formats }: { formats: readonly ExportFormat[] }): Promise<ExportReport> {
    return exportTo(bundle(), formats, false);
  }

  async function predict({ device }: { device: DeviceRequest }): Promise<unknown> {
    const predictions: unknown[] = [];
    const unreadable: { image: string; reason: string }[] = [];
    const images = inputs.under('images').map(({ path, file }) => ({ name: path, file }));
    await clients.infer.api.predict({ taskId: crypto.randomUUID(), model: bundle(), device, images }, (event) => {
      if (event.type === 'prediction') predictions.push(event.prediction);
      else unreadable.push({ image: event.image, reason: event.reason });
    });
    return { predictions, unreadable };
  }

  function listModels(): unknown {
    for (const { folder, reason } of BROKEN_MODELS) {
      tell('notice', { type: 'notice', message: `models/${folder}: ${reason}` });
    }
    return MODELS.map(({ meta }) => meta);
  }

  function doctor({ device }: { device: DeviceRequest }): Promise<unknown> {
    return clients.infer.api.doctor(device);
  }

  return {
    prepare,
    train,
    resume,
    standing,
    evaluate,
    demo,
    predict,
    export: exportModel,
    models: listModels,
    doctor,
    bench: () => bench(clients),
    ...createParity(),
    ...weights.commands,
    /** Ends a download or a run, whichever is under way. */
    stop: () => (weights.cancel() ? Promise.resolve() : clients.train.api.stop()),
  };
}

/** Problems of single files were told while they were read; those of the whole (duplicates, small classes) come now. */
function tellImported(summary: ImportSummary): void {
  const { problems, notices } = summary;
  for (const message of notices) tell('notice', { type: 'notice', message });
  const late = problems.filter(({ kind }) => kind === 'duplicate' || kind === 'small-class');
  for (const problem of late.slice(0, LATE_PROBLEMS)) tell('import', { type: 'problem', problem });
  if (late.length > LATE_PROBLEMS) {
    const message = `${late.length - LATE_PROBLEMS} more duplicates and small classes are not listed.`;
    tell('notice', { type: 'notice', message });
  }
  tell('import', { type: 'done', ...summary, problems: [] });
}

function dataName(job: Job): string {
  const path = job.data.path ?? job.data.train_dir ?? 'Data';
  return path.split(/[\\/]/).findLast((part) => part !== '') ?? 'Data';
}

function failOnBadExport({ formats }: ExportReport): void {
  const failed = formats.filter(({ status }) => status === 'failed');
  if (failed.length === 0) return;
  const list = failed.map(({ format, reason }) => `${format} (${reason})`).join(', ');
  throw new TrainyardError('export-failed', `These exports do not agree with the trained model: ${list}.`, '', {
    badInput: false,
  });
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function internal(message: string): TrainyardError {
  return new TrainyardError('internal', message, '', { badInput: false });
}
