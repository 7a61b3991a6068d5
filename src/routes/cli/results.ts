// What `--out` promises, written for a run: settings, curve, log, judgement, every checkpoint, exports, bundle.

import { TrainyardError } from '$lib/core/errors';
import { evaluationJson } from '$lib/evaluation/evaluation-json';
import { historyCsv } from '$lib/evaluation/history';
import { mlflowFiles } from '$lib/evaluation/mlflow';
import { tensorboardFile } from '$lib/evaluation/tensorboard';
import type { ExportFormat, ExportReport } from '$lib/interchange/contract';
import type { Clients } from '$lib/rpc/client';
import type { ModelReference } from '$lib/rpc/protocol';
import { listCheckpoints } from '$lib/storage/checkpoints';
import type { Database } from '$lib/storage/database';
import { logJson } from '$lib/state/run-log';
import { getImageResults, listEvaluations } from '$lib/storage/evaluations';
import type { EvaluationRecord, RunRecord, RunStatus } from '$lib/storage/records';
import { readEvents } from '$lib/storage/runs';
import { getTask } from '$lib/tasks/registry';
import { tell, writeFile } from './output';

const ALL_FORMATS: readonly ExportFormat[] = ['onnx', 'tfjs', 'safetensors', 'pytorch'];

/** What a command that trains answers with. */
export interface Trained {
  status: RunStatus;
  /** For stdout; null where nothing was held out. */
  evaluation: unknown;
}

/** What is written besides. */
export interface ResultOptions {
  tensorboard?: boolean;
  mlflow?: boolean;
}

export function createResults(clients: Clients) {
  /** Writes into `folder` of the output folder ('' is itself) and returns the evaluation. */
  async function writeRun(
    database: Database,
    run: RunRecord,
    options: ResultOptions = {},
    folder = '',
  ): Promise<Trained> {
    const write = (path: string, content: Blob | string) => writeFile(`${folder}${path}`, content);
    const stored = await readEvents(database, run.id);
    const events = stored.map(({ time, event }) => ({ time, ...event }));
    await write('job.json', json(run.job));
    await write('history.csv', historyCsv(events));
    await write('log.jsonl', logJson(stored));
    const [evaluation] = await listEvaluations(database, run.id);
    if (evaluation !== undefined) {
      await write('evaluation.json', json(evaluationJson(evaluation)));
      await write('predictions.csv', await predictionsOf(database, evaluation, run));
    }
    if (options.tensorboard === true) {
      const { path, blob } = tensorboardFile(run, stored);
      // One folder for all runs of a sweep, which its viewer then shows together.
      await writeFile(`tensorboard/${folder}${path}`, blob);
    }
    if (options.mlflow === true) {
      for (const { path, blob } of mlflowFiles(run, stored)) await writeFile(`mlruns/${path}`, blob);
    }
    const slots = (await listCheckpoints(database, run.id)).map(({ slot }) => slot);
    // A run that was stopped before it was first judged has no best weights.
    const best = slots.includes('best') ? 'best' : 'last';
    const report = await exportTo(reference(run.id, best), ALL_FORMATS, { bundle: true, folder });
    for (const slot of slots) {
      const { files } = await clients.infer.api.export(
        {
          taskId: crypto.randomUUID(),
          model: reference(run.id, slot),
          formats: ['safetensors'],
          bundle: false,
        },
        () => undefined,
      );
      for (const { path, blob } of files) await write(`checkpoints/${path.replace('model', slot)}`, blob);
    }
    failOnBadExport(report);
    return { status: run.status, evaluation: evaluation === undefined ? null : evaluationJson(evaluation) };
  }

  async function exportTo(
    model: ModelReference,
    formats: readonly ExportFormat[],
    { bundle, folder = '' }: { bundle: boolean; folder?: string },
  ): Promise<ExportReport> {
    const request = { taskId: crypto.randomUUID(), model, formats, bundle };
    const exported = await clients.infer.api.export(request, (event) => tell('export', event));
    for (const { path, blob } of exported.files) await writeFile(`${folder}${path}`, blob);
    if (exported.bundle !== null) await writeFile(`${folder}bundle.zip`, exported.bundle);
    return exported.report;
  }

  return { writeRun, exportTo };
}

export type Results = ReturnType<typeof createResults>;

export function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

async function predictionsOf(database: Database, evaluation: EvaluationRecord, run: RunRecord): Promise<string> {
  const results = await getImageResults(database, evaluation.id);
  return getTask(run.job.task).predictionsCsv(results, run.classes);
}

function reference(runId: string, checkpoint: string): ModelReference {
  return { kind: 'run', runId, checkpoint };
}

function failOnBadExport({ formats }: ExportReport): void {
  const failed = formats.filter(({ status }) => status === 'failed');
  if (failed.length === 0) return;
  const list = failed.map(({ format, reason }) => `${format} (${reason})`).join(', ');
  throw new TrainyardError('export-failed', `These exports do not agree with the trained model: ${list}.`, '', {
    badInput: false,
  });
}
