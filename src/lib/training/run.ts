// A run from its record to its result: puts engine, model, images and storage together around the session that trains. The same
// code starts a run and goes on with one. Knows no page; what it needs of the browser is passed in.

import { TrainyardError, serializeError } from '$lib/core/errors';
import type { DeviceRequest, Engine } from '$lib/engines/contract';
import type { ParameterValues } from '$lib/graph/types';
import type { Job } from '$lib/job/job';
import { stepsPerEpoch } from '$lib/pipeline/order';
import type { DecodePool } from '$lib/pipeline/pool';
import { getCheckpoint, listCheckpoints, saveCheckpoints } from '$lib/storage/checkpoints';
import type { Database } from '$lib/storage/database';
import { getVersion } from '$lib/storage/datasets';
import type { CheckpointRecord, DatasetVersionRecord, RunRecord, SplitName } from '$lib/storage/records';
import { holdRun } from '$lib/storage/run-locks';
import { appendEvents, createRun, getRun, updateRun } from '$lib/storage/runs';
import { getTask } from '$lib/tasks/registry';
import type { RunEvent } from './events';
import { RunLog } from './log';
import type { LoopOutcome } from './loop';
import { networkOf } from './network';
import { contrastiveEpochs, trainSession } from './session';
import { prepareStart, type Start } from './start';

export interface RunTools {
  database: Database;
  engine(request: DeviceRequest): Promise<Engine>;
  /** The run disposes of it. */
  pool(): DecodePool;
  /** Judges the kept weights on held-out images and stores that; see evaluation/. Null where nothing is held out. */
  evaluate(request: EvaluateRun): Promise<Extract<RunEvent, { type: 'evaluated' }> | null>;
  listener(event: RunEvent): void;
  /** Aborted to stop with a checkpoint. */
  signal: AbortSignal;
}

/** What the evaluation after training gets to work with. */
export interface EvaluateRun {
  run: RunRecord;
  version: DatasetVersionRecord;
  engine: Engine;
  pool: DecodePool;
}

export interface NewRun {
  projectId: string;
  versionId: string;
  job: Job;
  name: string;
}

/** Checks the data, stores the run and trains it. Rejects with what ended it; the run's record then says the same. */
export async function startRun(request: NewRun, tools: RunTools): Promise<RunRecord> {
  const { projectId, versionId, job, name } = request;
  const version = await getVersion(tools.database, versionId);
  const classes = version.classes.map((info) => info.name);
  getTask(job.task).checkTrainable(version.items, classes);
  const start = await prepareStart(job, version, tools.database);
  const now = Date.now();
  const run: RunRecord = {
    id: crypto.randomUUID(),
    projectId,
    versionId,
    name,
    job,
    classes,
    status: 'running',
    createdAt: now,
    startedAt: now,
    endedAt: null,
    device: null,
    epochsDone: 0,
    stepsDone: 0,
    best: null,
    error: null,
    ...start.record,
  };
  const held = await holdRun(run.id, async () => {
    await createRun(tools.database, run);
    return execute(run, version, { start }, tools);
  });
  // Nobody else can hold a lock named after an id that was drawn just now.
  return held?.result ?? run;
}

/** Goes on from the last checkpoint with the run's own job; from the start where there is none yet. */
export async function resumeRun(runId: string, tools: RunTools): Promise<RunRecord> {
  const held = await holdRun(runId, async () => {
    const run = await getRun(tools.database, runId);
    if (run.status === 'done') throw nothingLeft(run);
    const kinds = (await listCheckpoints(tools.database, runId)).map(({ kind }) => kind);
    const from = kinds.includes('last') ? await getCheckpoint(tools.database, runId, 'last') : undefined;
    const version = await getVersion(tools.database, run.versionId);
    // A run that was cut off before its first checkpoint starts again as it did then.
    const begin = from ?? { start: await prepareStart(run.job, version, tools.database) };
    const running = await updateRun(tools.database, runId, { status: 'running', endedAt: null, error: null });
    return execute(running, version, begin, tools);
  });
  if (held === null) throw runsElsewhere();
  return held.result;
}

/** A run begins at its start or goes on from a checkpoint. */
type Begin = CheckpointRecord | { start: Start };

/** Runs what is already marked as running, and leaves it marked as what became of it. */
async function execute(
  run: RunRecord,
  version: DatasetVersionRecord,
  begin: Begin,
  tools: RunTools,
): Promise<RunRecord> {
  const { database, listener } = tools;
  const log = new RunLog({ listener, append: (events) => appendEvents(database, run.id, events) });
  try {
    return await train(run, version, begin, tools, log);
  } catch (error) {
    const { code, message, hint } = serializeError(error);
    const failure = { code, message, hint };
    // A run that was deleted meanwhile, or a full disk: the first error is the one to tell.
    await log.add({ type: 'failed', error: failure }).catch(() => undefined);
    await updateRun(database, run.id, { status: 'failed', endedAt: Date.now(), error: failure }).catch(() => undefined);
    throw error;
  }
}

async function train(
  run: RunRecord,
  version: DatasetVersionRecord,
  begin: Begin,
  tools: RunTools,
  log: RunLog,
): Promise<RunRecord> {
  const { database, signal } = tools;
  const { job } = run;
  const started = performance.now();
  const task = getTask(job.task);
  const engine = await tools.engine(job.engine.device);
  const network = await networkOf(run);
  const from = 'start' in begin ? undefined : begin;
  const parameters: ParameterValues = 'start' in begin ? begin.start.parameters : begin.state.parameters;
  const splits = bySplit(version);
  const stepsInEpoch = stepsPerEpoch(splits.train.length, job.training.batch_size);
  const first = contrastiveEpochs(job);
  const pool = tools.pool();
  try {
    await updateRun(database, run.id, { device: engine.device });
    await log.add({
      type: 'started',
      runId: run.id,
      device: engine.device,
      epochs: first + job.training.epochs,
      stepsPerEpoch: stepsInEpoch,
      parameters: network.parameters.reduce((sum, { shape, trainable }) => sum + (trainable ? elements(shape) : 0), 0),
      images: { train: splits.train.length, val: splits.val.length, test: splits.test.length },
      fromStep: from === undefined ? 0 : stepOf(from, first, stepsInEpoch),
    });
    if ('start' in begin) await tellStart(run, begin.start, log);
    const session = trainSession({
      run,
      task,
      network,
      parameters,
      from,
      splits,
      engine,
      pool,
      database,
      signal,
      save: async (checkpoints, before) => {
        const records = checkpoints.map((checkpoint): CheckpointRecord => {
          return { ...checkpoint, id: crypto.randomUUID(), runId: run.id, createdAt: Date.now() };
        });
        // The newest one: a best checkpoint may have waited for it.
        const { position: at, state, carried } = checkpoints[checkpoints.length - 1];
        const best = carried?.best ?? null;
        await saveCheckpoints(database, run.id, records, {
          epochsDone: before.epochs + at.epoch,
          stepsDone: before.steps + state.step,
          best: best === null ? null : { metric: `val_${metricOf(job, task.primaryMetric)}`, ...best },
        });
      },
    });
    const outcome = (await drain(session, log)) ?? { status: 'stopped', epochs: 0, steps: 0, best: null };
    await judge({ run, version, engine, pool }, tools, log);
    const { status, epochs, steps, best } = outcome;
    const seconds = (performance.now() - started) / 1000;
    await log.add({ type: 'finished', status, seconds, epochs });
    return await updateRun(database, run.id, {
      status,
      endedAt: Date.now(),
      epochsDone: epochs,
      stepsDone: steps,
      best,
    });
  } finally {
    pool.dispose();
  }
}

/** A run that was stopped before its classifier learnt anything has nothing to be judged by. */
async function judge(request: EvaluateRun, tools: RunTools, log: RunLog): Promise<void> {
  const kinds = (await listCheckpoints(tools.database, request.run.id)).map(({ kind }) => kind);
  if (!kinds.includes('best')) return;
  const evaluated = await tools.evaluate(request);
  const message = 'No image is held out for testing or validation, so the model is not evaluated.';
  await log.add(evaluated ?? { type: 'notice', message });
}

/** Steps done at a checkpoint, counted from the run's first phase on. */
function stepOf({ position, phase }: CheckpointRecord, contrastive: number, stepsInEpoch: number): number {
  const epochs = (phase === 'contrastive' ? 0 : contrastive) + position.epoch;
  return epochs * stepsInEpoch + position.stepInEpoch;
}

async function tellStart({ weights }: RunRecord, { notices }: Start, log: RunLog): Promise<void> {
  if (weights !== undefined) await log.add({ type: 'weights', name: weights.name, report: weights.report });
  for (const message of notices) await log.add({ type: 'notice', message });
}

async function drain(session: ReturnType<typeof trainSession>, log: RunLog): Promise<LoopOutcome | null> {
  for (;;) {
    const next = await session.next();
    if (next.done === true) return next.value;
    await log.add(next.value);
  }
}

function bySplit(version: DatasetVersionRecord): Record<SplitName, DatasetVersionRecord['items']> {
  const of = (name: SplitName) => version.items.filter(({ split }) => split === name);
  return { train: of('train'), val: of('val'), test: of('test') };
}

function elements(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

function metricOf(job: Job, primary: string): string {
  return job.validation.metric === '' ? primary : job.validation.metric;
}

function nothingLeft({ name, epochsDone }: RunRecord): TrainyardError {
  return new TrainyardError(
    'run-done',
    `Run "${name}" is done after ${epochsDone} epochs; nothing is left to train.`,
    'Start a new run with more epochs.',
  );
}

function runsElsewhere(): TrainyardError {
  return new TrainyardError('run-elsewhere', 'This run is being trained in another tab.', 'Go on in that tab.');
}
