// `trainyard train`, `demo`, `resume`, `extend` and `sweep` on the page's side.

import { TrainyardError } from '$lib/core/errors';
import type { ImportSource } from '$lib/data/contract';
import type { Job } from '$lib/job/job';
import { parseJob } from '$lib/job/parse';
import { summarizeData } from '$lib/job/resolve';
import { MODELS } from '$lib/models/registry';
import type { Clients } from '$lib/rpc/client';
import type { TrainRequest } from '$lib/rpc/protocol';
import { openDatabase } from '$lib/storage/database';
import { getVersion } from '$lib/storage/datasets';
import { listCheckpoints } from '$lib/storage/checkpoints';
import type { DatasetVersionRecord, RunStatus } from '$lib/storage/records';
import { getRun } from '$lib/storage/runs';
import { TASKS } from '$lib/tasks/catalog';
import type { RunEvent } from '$lib/training/events';
import { importData, splitOf } from './import';
import type { Inputs } from './inputs';
import { tell } from './output';
import type { ResultOptions, Results, Trained } from './results';
import { createSweepCommands, type SweepText } from './sweep';

export interface Prepared {
  document: unknown;
  overrides: readonly string[];
}

const CATALOG = { models: MODELS, tasks: TASKS };

export function createTrainCommands(clients: Clients, inputs: Inputs, { writeRun }: Results) {
  let prepared: Prepared | null = null;
  const onEvent = (event: RunEvent) => tell('train', event);
  const sweeps = createSweepCommands(clients, writeRun);

  /** Checks a job as far as that is possible without its data, so that mistakes cost no waiting. */
  function prepare(request: Prepared): { data: Job['data']; weights: string | null; teacher: string | null } {
    const { job } = parseJob(request.document, { ...CATALOG, overrides: request.overrides });
    prepared = request;
    return { data: job.data, weights: job.model.weights, teacher: job.distillation.teacher };
  }

  async function train(options: ResultOptions): Promise<Trained> {
    const { source, document, overrides, checked } = given();
    return trainOn(await imported(source, document, overrides, checked), options);
  }

  /** The sample with the settings that "Try a sample" uses. */
  async function demo({ overrides, ...options }: { overrides: readonly string[] } & ResultOptions): Promise<Trained> {
    const [{ SAMPLE_DEFAULTS }, { SAMPLE_JOB }] = await Promise.all([
      import('$lib/data/sample'),
      import('$lib/job/sample'),
    ]);
    const { job } = parseJob(SAMPLE_JOB, { ...CATALOG, overrides });
    return trainOn(await imported(SAMPLE_DEFAULTS, SAMPLE_JOB, overrides, job), options);
  }

  async function sweep({ sweep, ...options }: { sweep: SweepText } & ResultOptions): Promise<Trained> {
    const { source, document, overrides, checked } = given();
    // Before the images are read.
    sweeps.plan(checked, sweep);
    const { version, job } = await imported(source, document, overrides, checked);
    return sweeps.run(version, job, sweep, options);
  }

  /** What was prepared and given to the page. */
  function given(): { source: ImportSource; document: unknown; overrides: readonly string[]; checked: Job } {
    if (prepared === null) throw internal('No job was prepared.');
    const { document, overrides } = prepared;
    const { job } = parseJob(document, { ...CATALOG, overrides });
    return {
      source: { kind: 'files', name: dataName(job), files: inputs.under('') },
      document,
      overrides,
      checked: job,
    };
  }

  async function imported(
    source: ImportSource,
    document: unknown,
    overrides: readonly string[],
    checked: Job,
  ): Promise<{ version: DatasetVersionRecord; job: Job }> {
    const name = source.kind === 'sample' ? 'Sample' : source.name;
    const { versionId } = await importData(clients, source, name, splitOf(checked));
    const version = await getVersion(await openDatabase(), versionId);
    const { job, notices } = parseJob(document, { ...CATALOG, overrides, data: summarizeData(version) });
    for (const message of notices) tell('notice', { type: 'notice', message });
    return { version, job };
  }

  async function trainOn(
    { version, job }: { version: DatasetVersionRecord; job: Job },
    options: ResultOptions,
  ): Promise<Trained> {
    const { projectId, id: versionId } = version;
    const request: TrainRequest = { projectId, versionId, job, name: job.model.name };
    const run = await clients.train.api.train(request, onEvent);
    return writeRun(await openDatabase(), run, options);
  }

  /** Goes on with a run of an earlier command; one that had only its files left to write writes them. */
  async function resume({ runId, ...options }: { runId: string } & ResultOptions): Promise<Trained> {
    const database = await openDatabase();
    const run = await getRun(database, runId);
    const done = run.status === 'done' ? run : await clients.train.api.resume(runId, onEvent);
    return writeRun(database, done, options);
  }

  /** More epochs for a run that is done or stopped. */
  async function extend({
    runId,
    epochs,
    ...options
  }: { runId: string; epochs: number } & ResultOptions): Promise<Trained> {
    const database = await openDatabase();
    return writeRun(database, await clients.train.api.extend(runId, epochs, onEvent), options);
  }

  /** What is left of a run that failed. */
  async function standing({ runId }: { runId: string }): Promise<{ status: RunStatus; checkpoint: boolean }> {
    const database = await openDatabase();
    const { status } = await getRun(database, runId);
    const checkpoints = await listCheckpoints(database, runId);
    return { status, checkpoint: checkpoints.some(({ kind }) => kind === 'last') };
  }

  return {
    commands: { prepare, train, demo, sweep, resume, resumeSweep: sweeps.resume, extend, standing },
    /** Ends the run under way, with a checkpoint. */
    stop(): Promise<void> {
      sweeps.stop();
      return clients.train.api.stop();
    },
  };
}

function dataName(job: Job): string {
  const path = job.data.path ?? job.data.train_dir ?? 'Data';
  return path.split(/[\\/]/).findLast((part) => part !== '') ?? 'Data';
}

function internal(message: string): TrainyardError {
  return new TrainyardError('internal', message, '', { badInput: false });
}
