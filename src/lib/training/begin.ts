// Where a run takes up: at fresh or loaded weights, at a checkpoint of its own, at one of another run. Trains nothing.

import { TrainyardError } from '$lib/core/errors';
import { formatPlural } from '$lib/core/format';
import type { TrainState } from '$lib/engines/contract';
import type { Graph, ParameterValues } from '$lib/graph/types';
import { stepsPerEpoch } from '$lib/pipeline/order';
import { getCheckpoint, listCheckpoints, saveCheckpoints } from '$lib/storage/checkpoints';
import type { Database } from '$lib/storage/database';
import type {
  CheckpointRecord,
  DatasetVersionRecord,
  ResolvedPreprocess,
  RunRecord,
  RunStart,
} from '$lib/storage/records';
import { getRun } from '$lib/storage/runs';
import { contrastiveEpochs, epochsOf } from './length';
import { networkOf } from './network';
import { resolvePreprocess } from './preprocess';
import { prepareStart, type Start } from './start';
import { weightsOf } from './weights-of';

/** A run begins with values for its parameters, or goes on from a checkpoint. */
export type Begin = { start: Pick<Start, 'parameters' | 'notices'> } | { from: CheckpointRecord };

/** Slot of the weights with which a run begins that took them from another run, which may change them meanwhile. */
const BORROWED = 'saved-0';

/** A run on its way into storage, and what is stored with it. */
export interface Prepared {
  record: Start['record'] & Pick<RunRecord, 'parent'>;
  begin: Begin;
  /** Kept with the run from its first moment on. */
  checkpoint: Omit<CheckpointRecord, 'runId'> | null;
}

/** Throws as {@link prepareStart}, and what is wrong with a checkpoint that it is to go on from. */
export async function prepareRun(
  request: Pick<RunRecord, 'job' | 'projectId'> & { from?: RunStart },
  version: DatasetVersionRecord,
  database: Database,
): Promise<Prepared> {
  const { job, from } = request;
  if (from === undefined) {
    const start = await prepareStart(job, version, database);
    return { record: start.record, begin: { start }, checkpoint: null };
  }
  const parent = await getRun(database, from.runId);
  if (parent.projectId !== request.projectId) throw otherProject();
  const taken = await getCheckpoint(database, parent.id, from.slot);
  const classes = version.classes.map(({ name }) => name);
  const { graph, extractor, weights } = parent;
  const preprocess = inherited(parent, job, version);
  // The file that brought the network comes with it.
  const files = { ...(graph && { graph }), ...(extractor && { extractor }), ...(weights && { weights }) };
  const record: Prepared['record'] = { preprocess, ...files, parent: { ...from } };
  const network = await networkOf({ job, classes, preprocess, graph });
  if (from.keep === 'weights' || hasNoOptimizer(taken.state)) {
    const parameters = fitting(network, weightsOf(taken.state), taken);
    const notices = [`Begins with the weights of checkpoint "${from.slot}" of run "${parent.name}".`];
    const checkpoint = borrowed(taken, parameters);
    return { record, begin: { start: { parameters, notices } }, checkpoint };
  }
  fitting(network, taken.state.parameters, taken);
  sameRule(parent, job, classes);
  const next = { ...aligned(taken, parent, job, version), id: crypto.randomUUID(), createdAt: Date.now() };
  const checkpoint: Prepared['checkpoint'] = { ...next, kind: 'last', slot: 'last' };
  return { record, begin: { from: { ...checkpoint, runId: '' } }, checkpoint };
}

/** Where a stored run goes on; at its beginning where it was cut off before its first checkpoint. */
export async function takeUp(run: RunRecord, version: DatasetVersionRecord, database: Database): Promise<Begin> {
  const slots = (await listCheckpoints(database, run.id)).map(({ slot }) => slot);
  if (slots.includes('last')) return { from: await getCheckpoint(database, run.id, 'last') };
  if (slots.includes(BORROWED)) {
    const { state } = await getCheckpoint(database, run.id, BORROWED);
    return { start: { parameters: state.parameters, notices: [] } };
  }
  return { start: await prepareStart(run.job, version, database) };
}

/**
 * Gives a run that has ended more epochs, whose schedule starts over. One that was stopped first does what it had left; one that
 * stopped early has nothing left. Patience starts anew. Throws 'nothing-to-extend' where there is no checkpoint to go on from.
 */
export async function lengthen(run: RunRecord, epochs: number, database: Database): Promise<RunRecord> {
  const slots = (await listCheckpoints(database, run.id)).map(({ slot }) => slot);
  if (!slots.includes('last')) throw nothingToExtend(run);
  const last = await getCheckpoint(database, run.id, 'last');
  const planned = run.segments ?? [run.job.training.epochs];
  const done =
    last.phase === 'contrastive' ? 0 : Math.ceil(last.position.epoch + (last.position.stepInEpoch > 0 ? 1 : 0));
  const segments = [...(run.status === 'done' ? cut(planned, done) : planned), epochs];
  const { carried } = last;
  const renewed: CheckpointRecord = {
    ...last,
    id: crypto.randomUUID(),
    ...(carried === undefined ? {} : { carried: { ...carried, stopping: { ...carried.stopping, waited: 0 } } }),
  };
  if (renewed.carried !== undefined && run.status === 'done') delete renewed.carried.plateau;
  return saveCheckpoints(database, run.id, [renewed], { run: { segments } });
}

/** The parts of a run that is done, as far as it came. */
function cut(segments: readonly number[], done: number): number[] {
  const parts: number[] = [];
  let left = done;
  for (const epochs of segments) {
    if (left <= 0) break;
    parts.push(Math.min(epochs, left));
    left -= epochs;
  }
  return parts;
}

/** The job's own, but normalised as the weights are used to where the job asks for the same as the run that they come from. */
function inherited(parent: RunRecord, job: RunRecord['job'], { statistics }: DatasetVersionRecord): ResolvedPreprocess {
  const { mean, std, imageSize } = parent.preprocess;
  const resolved = resolvePreprocess(job.preprocess, statistics, parent.preprocess);
  const same = job.preprocess.normalize === parent.job.preprocess.normalize;
  return {
    ...resolved,
    ...(same && { mean, std }),
    // A file's network reads images of one size.
    ...(parent.graph !== undefined && { imageSize }),
  };
}

function hasNoOptimizer({ step, optimizer }: TrainState): boolean {
  return step === 0 && optimizer.size === 0;
}

function borrowed(taken: CheckpointRecord, parameters: Map<string, Float32Array>): Omit<CheckpointRecord, 'runId'> {
  const state = { step: 0, parameters, optimizer: new Map<string, Float32Array>() };
  const at = { epoch: 0, metrics: {}, position: { epoch: 0, stepInEpoch: 0 }, createdAt: Date.now() };
  return { id: crypto.randomUUID(), kind: 'saved', slot: BORROWED, ...at, state, ...(taken.phase && {}) };
}

/** The values of a network's parameters out of others. Throws 'checkpoint-mismatch' where it is another network. */
function fitting(network: Graph, values: ParameterValues, { slot }: CheckpointRecord): Map<string, Float32Array> {
  const found = new Map<string, Float32Array>();
  const wrong: string[] = [];
  for (const { name, shape } of network.parameters) {
    const value = values.get(name);
    const length = shape.reduce((product, size) => product * size, 1);
    if (value?.length === length) found.set(name, value);
    else wrong.push(name);
  }
  if (wrong.length === 0) return found;
  throw new TrainyardError(
    'checkpoint-mismatch',
    `Checkpoint "${slot}" is of another network: it does not fit ${formatPlural(wrong.length, 'parameter')}, the first of them ${wrong[0]}.`,
    'Keep model, head, classes and fine-tuning as they are in the run that it comes from.',
  );
}

/** A state holds the buffers of one update rule over the parameters that learn. */
function sameRule(parent: RunRecord, job: RunRecord['job'], classes: readonly string[]): void {
  const of = ({ optimizer, fine_tune, ema, contrastive }: RunRecord['job']): string =>
    JSON.stringify([
      optimizer.name,
      optimizer.name.startsWith('adam') && optimizer.amsgrad,
      optimizer.name === 'rmsprop' && optimizer.momentum > 0,
      fine_tune,
      ema.decay > 0,
      contrastive.epochs,
    ]);
  if (of(parent.job) === of(job) && JSON.stringify(parent.classes) === JSON.stringify(classes)) return;
  throw new TrainyardError(
    'checkpoint-mismatch',
    `Run "${parent.name}" has another optimiser, fine-tuning, averaging of weights or other classes, so that its state cannot go on here.`,
    'Keep those as they are there, or take over the weights alone.',
  );
}

/** The checkpoint in the steps of the new run: with another batch size its epoch begins again. Throws 'nothing-left'. */
function aligned(
  taken: CheckpointRecord,
  parent: RunRecord,
  job: RunRecord['job'],
  version: DatasetVersionRecord,
): CheckpointRecord {
  const { position } = taken;
  if (taken.phase !== 'contrastive' && position.epoch >= epochsOf({ job })) {
    throw new TrainyardError(
      'nothing-left',
      `The checkpoint has ${formatPlural(position.epoch, 'epoch')} behind it, and the new run ends after ${epochsOf({ job })}.`,
      'Raise training.epochs, or take over the weights alone.',
    );
  }
  const count = version.items.filter(({ split }) => split === 'train').length;
  const same =
    parent.versionId === version.id &&
    parent.job.seed === job.seed &&
    JSON.stringify(parent.job.validation) === JSON.stringify(job.validation) &&
    stepsPerEpoch(count, parent.job.training.batch_size) === stepsPerEpoch(count, job.training.batch_size);
  if (same || position.stepInEpoch === 0) return taken;
  const { carried } = taken;
  return {
    ...taken,
    position: { epoch: position.epoch, stepInEpoch: 0 },
    ...(carried === undefined ? {} : { carried: { ...carried, lossSum: 0, lossSteps: 0 } }),
  };
}

/** Steps done at a checkpoint, counted from the run's first phase on. */
export function stepsBehind(begin: Begin, job: RunRecord['job'], stepsInEpoch: number): number {
  if ('start' in begin) return 0;
  const { position, phase } = begin.from;
  const epochs = (phase === 'contrastive' ? 0 : contrastiveEpochs(job)) + position.epoch;
  return epochs * stepsInEpoch + position.stepInEpoch;
}

function otherProject(): TrainyardError {
  return new TrainyardError(
    'checkpoint-mismatch',
    'The checkpoint is of a run of another project.',
    'Choose a run of this project.',
  );
}

function nothingToExtend({ name }: RunRecord): TrainyardError {
  return new TrainyardError(
    'nothing-to-extend',
    `Run "${name}" has no last checkpoint from which it could go on.`,
    'Start a new run from one of its checkpoints; checkpoints.keep_last keeps one in every run.',
  );
}
