// A run from its record to its result: puts engine, model, images and storage together around the session that trains. The same
// code starts a run and goes on with one. Knows no page; what it needs of the browser is passed in.

import { TrainyardError, serializeError } from '$lib/core/errors';
import type { DeviceRequest, Engine } from '$lib/engines/contract';
import type { Graph, ParameterValues } from '$lib/graph/types';
import type { Job } from '$lib/job/job';
import { stepsPerEpoch } from '$lib/pipeline/order';
import type { DecodePool } from '$lib/pipeline/pool';
import { listCheckpoints, saveCheckpoints } from '$lib/storage/checkpoints';
import type { Database } from '$lib/storage/database';
import { getVersion } from '$lib/storage/datasets';
import type { CheckpointRecord, DatasetVersionRecord, RunRecord, RunStart, SplitName } from '$lib/storage/records';
import { holdRun } from '$lib/storage/run-locks';
import { appendEvents, createRun, getRun, updateRun } from '$lib/storage/runs';
import { getTask } from '$lib/tasks/registry';
import { lengthen, prepareRun, stepsBehind, takeUp, type Begin } from './begin';
import type { LoopControl } from './control';
import type { RunEvent } from './events';
import { LossFailure } from './explosion';
import { versionFor } from './folds';
import { Interruption, interruptionOf } from './interruption';
import { contrastiveEpochs, epochsOf } from './length';
import { RunLog } from './log';
import type { LoopOutcome } from './loop';
import { networkOf } from './network';
import { adaptation, memoryOf, noRoom, preflight } from './preflight';
import { Recovery } from './recovery';
import { trainSession, type SessionCheckpoint } from './session';

export interface RunTools {
  database: Database;
  engine(request: DeviceRequest): Promise<Engine>;
  /** The run disposes of it. */
  pool(): DecodePool;
  /** Judges the kept weights on held-out images and stores that; see evaluation/. Null where nothing is held out. */
  evaluate(request: EvaluateRun): Promise<Extract<RunEvent, { type: 'evaluated' }> | null>;
  listener(event: RunEvent): void;
  /** Told the run's id before its first event. */
  begun?(runId: string): void;
  control: LoopControl;
}

/** What the evaluation after training gets to work with. */
export interface EvaluateRun {
  run: RunRecord;
  /** With the run's own splits. */
  version: DatasetVersionRecord;
  engine: Engine;
  pool: DecodePool;
}

export interface NewRun {
  projectId: string;
  versionId: string;
  job: Job;
  name: string;
  /** Goes on from a checkpoint of another run of the project. */
  from?: RunStart;
  groupId?: string;
  variant?: Readonly<Record<string, unknown>>;
  /** Of its work from now on, after which it stops with a checkpoint. */
  limits?: { seconds: number | null };
}

/** Checks the data, stores the run and trains it. Rejects with what ended it; the run's record then says the same. */
export async function startRun(request: NewRun, tools: RunTools): Promise<RunRecord> {
  const { projectId, versionId, job, name, groupId, variant } = request;
  const { database } = tools;
  const version = versionFor(await getVersion(database, versionId), job);
  const classes = version.classes.map((info) => info.name);
  getTask(job.task).checkTrainable(version.items, classes);
  const { record, begin, checkpoint } = await prepareRun(request, version, database);
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
    ...(groupId !== undefined && { groupId }),
    ...(variant !== undefined && { variant }),
    ...record,
  };
  const held = await holdRun(run.id, async () => {
    await createRun(database, run);
    if (checkpoint !== null) await saveCheckpoints(database, run.id, [{ ...checkpoint, runId: run.id }]);
    return execute(run, version, begin, { ...tools, seconds: request.limits?.seconds ?? null });
  });
  // Nobody else can hold a lock named after an id that was drawn just now.
  return held?.result ?? run;
}

/** Goes on from the last checkpoint with the run's own job; from the start where there is none yet. */
export function resumeRun(runId: string, tools: RunTools): Promise<RunRecord> {
  return goOn(runId, tools, (run) => {
    if (run.status === 'done') throw nothingLeft(run);
    return Promise.resolve(run);
  });
}

/** Gives a run that has ended more epochs and trains them; see {@link lengthen}. */
export function extendRun(runId: string, epochs: number, tools: RunTools): Promise<RunRecord> {
  return goOn(runId, tools, (run) => lengthen(run, epochs, tools.database));
}

async function goOn(
  runId: string,
  tools: RunTools,
  prepare: (run: RunRecord) => Promise<RunRecord>,
): Promise<RunRecord> {
  const { database } = tools;
  const held = await holdRun(runId, async () => {
    const run = await prepare(await getRun(database, runId));
    const version = versionFor(await getVersion(database, run.versionId), run.job);
    const begin = await takeUp(run, version, database);
    const running = await updateRun(database, runId, { status: 'running', endedAt: null, error: null });
    return execute(running, version, begin, { ...tools, seconds: null });
  });
  if (held === null) throw runsElsewhere();
  return held.result;
}

type Execution = RunTools & { seconds: number | null };

/** Runs what is already marked as running, and leaves it marked as what became of it. */
async function execute(
  run: RunRecord,
  version: DatasetVersionRecord,
  begin: Begin,
  tools: Execution,
): Promise<RunRecord> {
  const { database, listener } = tools;
  tools.begun?.(run.id);
  const log = new RunLog({ listener, append: (events) => appendEvents(database, run.id, events) });
  try {
    return await train(run, version, begin, tools, log);
  } catch (error) {
    const { code, message, hint } = serializeError(error);
    const failure = { code, message, hint };
    // A run that was deleted meanwhile, or a full disk: the first error is the one to tell.
    const detail = error instanceof LossFailure ? { detail: error.detail } : {};
    await log.add({ type: 'failed', error: failure, ...detail }).catch(() => undefined);
    await updateRun(database, run.id, { status: 'failed', endedAt: Date.now(), error: failure }).catch(() => undefined);
    throw error;
  }
}

async function train(
  run: RunRecord,
  version: DatasetVersionRecord,
  begin: Begin,
  tools: Execution,
  log: RunLog,
): Promise<RunRecord> {
  const started = performance.now();
  const pool = tools.pool();
  try {
    const course = { run, version, at: begin, pool, network: await networkOf(run) };
    const outcome = await trainThrough(course, tools, log);
    const { status, epochs, steps, best } = outcome;
    const seconds = (performance.now() - started) / 1000;
    await log.add({ type: 'finished', status, seconds, epochs });
    const change = { status, endedAt: Date.now(), epochsDone: epochs, stepsDone: steps, best };
    return await updateRun(tools.database, run.id, change);
  } finally {
    pool.dispose();
  }
}

/** What an event says of the run's record, which other tabs read; it is stored before they hear of it. */
const STATUS_OF: { readonly [Type in RunEvent['type']]?: RunRecord['status'] } = {
  paused: 'paused',
  continued: 'running',
};

/** A run under way and where it is. */
interface Course {
  run: RunRecord;
  version: DatasetVersionRecord;
  network: Graph;
  at: Begin;
  pool: DecodePool;
}

/** Trains and judges; goes on by itself after a lost device and in smaller parts where memory was short. */
async function trainThrough(course: Course, tools: Execution, log: RunLog): Promise<LoopOutcome> {
  const { database, seconds, control } = tools;
  const { job } = course.run;
  const deadline = seconds === null ? undefined : performance.now() + 1000 * seconds;
  const recovery = new Recovery(job.training.batch_size);
  let engine = await tools.engine(job.engine.device);
  for (let isFirst = true; ; isFirst = false) {
    let safe = 0;
    try {
      const events = attempt(course, { engine, deadline, isFirst }, tools);
      for (;;) {
        const next = await events.next();
        if (next.done === true) return next.value;
        const { value: event } = next;
        if (event.type === 'started') safe = event.fromStep;
        if (event.type === 'checkpoint') safe = Math.max(safe, event.step);
        const status = STATUS_OF[event.type];
        if (status !== undefined) course.run = await updateRun(database, course.run.id, { status });
        await log.add(event);
      }
    } catch (error) {
      const reason = interruptionOf(error);
      const accumulate = partsOf(course.run);
      const way = reason === null || control.signal.aborted ? null : recovery.next(reason, { safe, accumulate });
      if (way === null) throw error;
      const lost = performance.now();
      if (way.renew) engine = await engine.renew();
      if (way.accumulate !== accumulate) {
        const adapted = { accumulate: way.accumulate, reason: 'The device had no memory left.' };
        course.run = await updateRun(database, course.run.id, { adapted });
      }
      const { checkpoint } = error instanceof Interruption ? error : { checkpoint: null };
      course.at =
        checkpoint === null
          ? await takeUp(course.run, course.version, database)
          : { from: stored(course.run, checkpoint) };
      const { adapted } = course.run;
      if (way.accumulate !== accumulate && adapted !== undefined) {
        await log.add({ type: 'adapted', step: stepsBehind(course.at, job, stepsInEpoch(course)), ...adapted });
      }
      if (way.renew) {
        await log.add({ type: 'away', seconds: (performance.now() - lost) / 1000, reason: 'lost-device' });
      }
    }
  }
}

function stepsInEpoch({ run, version }: Pick<Course, 'run' | 'version'>): number {
  return stepsPerEpoch(bySplit(version).train.length, run.job.training.batch_size);
}

/** Compares what a step needs with what the device grants; a batch that does not fit is computed in more parts from now on. */
async function* fit(course: Course, engine: Engine, database: Database): AsyncGenerator<RunEvent, void> {
  const { run, network, at } = course;
  const { batch_size: batchSize } = run.job.training;
  const parts = partsOf(run);
  const found = await preflight(memoryOf(run, network), engine, { batchSize, parts });
  const { needed, granted, accumulate } = found;
  if (accumulate === null) throw noRoom(found);
  yield { type: 'memory', needed, granted, batchSize, accumulate };
  if (accumulate === parts) return;
  const adapted = { accumulate, reason: adaptation(found, batchSize, accumulate) };
  yield { type: 'adapted', step: stepsBehind(at, run.job, stepsInEpoch(course)), ...adapted };
  yield { type: 'notice', message: adapted.reason, level: 'warning' };
  course.run = await updateRun(database, run.id, { adapted });
}

/** Parts of a batch: the job's, or what the device could do. */
function partsOf({ job, adapted }: RunRecord): number {
  return adapted?.accumulate ?? job.training.accumulate;
}

function stored(run: RunRecord, checkpoint: SessionCheckpoint): CheckpointRecord {
  return { ...checkpoint, id: crypto.randomUUID(), runId: run.id, createdAt: Date.now() };
}

interface Attempt {
  engine: Engine;
  deadline?: number;
  /** Of the run in this worker. */
  isFirst: boolean;
}

/** From where the run is to its evaluation, on one engine. Changes the course's run where its batches do not fit. */
async function* attempt(
  course: Course,
  { engine, deadline, isFirst }: Attempt,
  tools: Execution,
): AsyncGenerator<RunEvent, LoopOutcome> {
  const { version, network, at, pool } = course;
  const { database, control } = tools;
  const { id, job } = course.run;
  const task = getTask(job.task);
  const from = 'start' in at ? undefined : at.from;
  const parameters: ParameterValues = 'start' in at ? at.start.parameters : at.from.state.parameters;
  const splits = bySplit(version);
  await updateRun(database, id, { device: engine.device });
  yield {
    type: 'started',
    runId: id,
    device: engine.device,
    epochs: contrastiveEpochs(job) + epochsOf(course.run),
    stepsPerEpoch: stepsInEpoch(course),
    parameters: network.parameters.reduce((sum, { shape, trainable }) => sum + (trainable ? elements(shape) : 0), 0),
    images: { train: splits.train.length, val: splits.val.length, test: splits.test.length },
    fromStep: stepsBehind(at, job, stepsInEpoch(course)),
  };
  if ('start' in at && isFirst) yield* tellStart(course.run, at.start.notices);
  if (isFirst && job.engine.memory_check) yield* fit(course, engine, database);
  const { run } = course;
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
    control,
    accumulate: partsOf(run),
    deadline,
    save: async (checkpoints, before, drop) => {
      const records = checkpoints.map((checkpoint) => stored(run, checkpoint));
      // The newest one: a best checkpoint may have waited for it.
      const { position: at, state, carried } = checkpoints[checkpoints.length - 1];
      const best = carried?.best ?? null;
      const change = {
        epochsDone: before.epochs + at.epoch,
        stepsDone: before.steps + state.step,
        best: best === null ? null : { metric: `val_${metricOf(job, task.primaryMetric)}`, ...best },
      };
      await saveCheckpoints(database, run.id, records, { run: change, drop });
    },
  });
  const outcome = (yield* session) ?? { status: 'stopped' as const, epochs: 0, steps: 0, best: null };
  yield* judge({ run, version, engine, pool }, tools);
  return outcome;
}

/** A run that was stopped before its classifier learnt anything has nothing to be judged by. */
async function* judge(request: EvaluateRun, tools: RunTools): AsyncGenerator<RunEvent, void> {
  const slots = (await listCheckpoints(tools.database, request.run.id)).map(({ slot }) => slot);
  if (!slots.includes('best')) return;
  const evaluated = await tools.evaluate(request);
  const message = 'No image is held out for testing or validation, so the model is not evaluated.';
  yield evaluated ?? { type: 'notice', message };
}

function* tellStart({ weights }: RunRecord, notices: readonly string[]): Generator<RunEvent> {
  if (weights !== undefined) yield { type: 'weights', name: weights.name, report: weights.report };
  for (const message of notices) yield { type: 'notice', message };
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
