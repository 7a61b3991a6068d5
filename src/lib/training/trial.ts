// A job on its data and its device without a run: for tests of it that store nothing. What it computes on is what a run would
// compute on; features of a frozen backbone that it needs are kept, as those of a run are.

import { TrainyardError } from '$lib/core/errors';
import type { DeviceRequest, Engine, TrainStep } from '$lib/engines/contract';
import type { Graph } from '$lib/graph/types';
import type { Job } from '$lib/job/job';
import type { DecodePool } from '$lib/pipeline/pool';
import type { Database } from '$lib/storage/database';
import { getVersion } from '$lib/storage/datasets';
import type { RunRecord, RunStart } from '$lib/storage/records';
import { getTask } from '$lib/tasks/registry';
import { prepareRun } from './begin';
import { versionFor } from './folds';
import { networkOf } from './network';
import { optimizerOf } from './optimizer';
import { classifierOf, openSources } from './session';
import type { SourceBatch } from './source';

export interface TrialRequest {
  projectId: string;
  versionId: string;
  job: Job;
  from?: RunStart;
}

export interface TrialTools {
  database: Database;
  engine(request: DeviceRequest): Promise<Engine>;
  pool(): DecodePool;
  signal: AbortSignal;
}

export interface Trial {
  engine: Engine;
  /** What the steps compute. */
  graph: Graph;
  /** Parameters that do not move. */
  frozen: ReadonlySet<string>;
  /** A step with the job's own rule; the caller disposes of it. */
  compile(accumulate?: number): TrainStep;
  /** Batches of training, epoch after epoch, without end. */
  batches(): AsyncGenerator<SourceBatch, never>;
}

/** Calls `work` with what the job needs. Throws what starting a run throws, and 'cancelled'. */
export async function withTrial<Value>(
  request: TrialRequest,
  tools: TrialTools,
  work: (trial: Trial) => Promise<Value>,
): Promise<Value> {
  const { job } = request;
  const { database, signal } = tools;
  const version = versionFor(await getVersion(database, request.versionId), job);
  const classes = version.classes.map(({ name }) => name);
  const task = getTask(job.task);
  task.checkTrainable(version.items, classes);
  const { record, begin } = await prepareRun(request, version, database);
  const parameters = 'start' in begin ? begin.start.parameters : begin.from.state.parameters;
  const of = (name: string) => version.items.filter(({ split }) => split === name);
  const splits = { train: of('train'), val: of('val'), test: of('test') };
  const run = { ...unstored(request, classes), ...record };
  const network = await networkOf(run);
  const engine = await tools.engine(job.engine.device);
  const pool = tools.pool();
  try {
    const { accumulate } = job.training;
    const session = { run, task, network, parameters, splits, engine, pool, database, accumulate, control: { signal } };
    const opening = openSources(session);
    let opened = await opening.next();
    while (opened.done !== true) opened = await opening.next();
    const sources = opened.value;
    if (sources === null) throw cancelled();
    try {
      const { graph, loss, train, freezing } = classifierOf(session, sources);
      const names = graph.parameters.filter(({ trainable }) => trainable).map(({ name }) => name);
      return await work({
        engine,
        graph,
        frozen: freezing.at(0).frozen,
        compile: (parts = accumulate) =>
          engine.compile(graph, parameters, optimizerOf(job, loss, freezing.at(0), { names, accumulate: parts })),
        async *batches() {
          for (let epoch = 0; ; epoch++) {
            for await (const batch of train.epoch(epoch)) {
              if (signal.aborted) throw cancelled();
              yield batch;
            }
          }
        },
      });
    } finally {
      await sources.dispose();
    }
  } finally {
    pool.dispose();
  }
}

function unstored(
  { projectId, versionId, job }: TrialRequest,
  classes: readonly string[],
): Omit<RunRecord, 'preprocess'> {
  const now = Date.now();
  const times = { createdAt: now, startedAt: now, endedAt: null };
  const results = { device: null, epochsDone: 0, stepsDone: 0, best: null, error: null };
  return { id: '', projectId, versionId, name: '', job, classes, status: 'running', ...times, ...results };
}

function cancelled(): TrainyardError {
  return new TrainyardError('cancelled', 'The test was cancelled.');
}
