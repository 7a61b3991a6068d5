// What a run does between its first event and its last checkpoint: features where the backbone is frozen, metric learning where
// the job has some, then the classifier. Saves through what it is given; knows neither a record's life nor evaluation.

import { TrainyardError } from '$lib/core/errors';
import type { Engine, LossFunction, TrainState } from '$lib/engines/contract';
import { initializeParameters } from '$lib/graph/initialize';
import { hiddenParameters, withProjection } from '$lib/graph/projection';
import type { Graph, ParameterValues } from '$lib/graph/types';
import { isIdentity } from '$lib/pipeline/augment';
import { createMixer } from '$lib/pipeline/mix';
import type { DecodePool } from '$lib/pipeline/pool';
import type { Database } from '$lib/storage/database';
import type { CheckpointRecord, CheckpointSlot, Item, RunRecord, SplitName } from '$lib/storage/records';
import type { Task } from '$lib/tasks/contract';
import { createContrastiveLoss, createLoss, withDistillation } from '$lib/tasks/losses';
import { getTask } from '$lib/tasks/registry';
import { backboneOf, backboneTitle, openRunner, usesFeatureCache } from './backbone';
import type { LoopControl } from './control';
import type { RunEvent } from './events';
import { cachedCopies, computeFeatures } from './features';
import { alsoFrozen, createFreezing, heldAt, NOTHING_FROZEN, type Freezing } from './freezing';
import { Interruption } from './interruption';
import { trainLoop, type LoopCheckpoint, type LoopInput, type LoopOutcome } from './loop';
import { contrastiveEpochs, epochsOf } from './length';
import { readsProjection } from './network';
import { annotationsOf } from './source';
import { featureSources, imageSources, type Sources } from './sources';
import { findTeacher, openTeacher } from './teacher';

export interface Session {
  run: RunRecord;
  task: Task;
  /** Whole, without normalisation. */
  network: Graph;
  /** Of the network, and of the projection where metric learning goes on. */
  parameters: ParameterValues;
  /** Goes on from here. */
  from?: SessionCheckpoint;
  splits: Readonly<Record<SplitName, readonly Item[]>>;
  engine: Engine;
  pool: DecodePool;
  database: Database;
  /** With the values of the whole network, frozen ones included. `before` is what earlier phases have done. */
  save(checkpoints: readonly SessionCheckpoint[], before: Done, drop?: readonly CheckpointSlot[]): Promise<void>;
  control: LoopControl;
  /** Parts of a batch; see StepSpecification. */
  accumulate: number;
  /** By performance.now(); the run then stops with a checkpoint. */
  deadline?: number;
}

export type SessionCheckpoint = LoopCheckpoint & Pick<CheckpointRecord, 'phase'>;

export interface Done {
  epochs: number;
  steps: number;
}

/** The classifier's outcome, or metric learning's where it was stopped there; null where it was stopped before either. */
export async function* trainSession(session: Session): AsyncGenerator<RunEvent, LoopOutcome | null> {
  const sources = yield* openSources(session);
  if (sources === null) return null;
  try {
    const epochs = contrastiveEpochs(session.run.job);
    if (epochs === 0) return yield* learnClassifier(session, sources, { epochs: 0, steps: 0 });
    let { parameters } = session;
    if (session.from === undefined || session.from.phase === 'contrastive') {
      yield { type: 'phase', phase: 'contrastive', epochs };
      const learnt = yield* learnProjection(session, sources, epochs);
      if (learnt.outcome.status === 'stopped') return learnt.outcome;
      parameters = learnt.parameters;
    }
    yield { type: 'phase', phase: 'classifier', epochs: epochsOf(session.run) };
    const before = { epochs, steps: epochs * sources.train(true).batches };
    return yield* learnClassifier({ ...session, parameters }, sources, before);
  } finally {
    await sources.dispose();
  }
}

type SourceSession = Pick<Session, 'run' | 'task' | 'network' | 'parameters' | 'splits' | 'engine' | 'pool'> &
  Pick<Session, 'database' | 'accumulate'> & { control: Pick<LoopControl, 'signal'> };

/** Null where it was stopped while features were computed. */
export async function* openSources(session: SourceSession): AsyncGenerator<RunEvent, Sources | null> {
  const { run, task, network, parameters, splits, engine, pool, database, control, accumulate } = session;
  const { job, classes, preprocess } = run;
  const options = { job, task, classes, preprocess, splits, accumulate };
  const teacher = await findTeacher(job, classes, database);
  if (!usesFeatureCache(job, run.extractor !== undefined)) {
    return imageSources(options, pool, teacher && openTeacher(teacher, engine, { job, classes }));
  }
  if (teacher !== null) throw noImages();
  const copies = cachedCopies(job);
  for (const message of leftOut(run, copies)) yield { type: 'notice', message, level: 'warning' };
  const { source, width, shape } = backboneOf(network, parameters, run.extractor);
  const request = {
    source,
    width,
    title: backboneTitle(run),
    preprocess,
    items: [...splits.train, ...splits.val, ...splits.test],
    copies: { items: splits.train, count: copies, augment: job.augment, seed: job.seed },
  };
  const open = () => openRunner(source, preprocess, { engine, database });
  const table = yield* computeFeatures(request, { database, pool, signal: control.signal, open });
  return table === null ? null : featureSources(options, table, shape);
}

/** What of the job features that are computed once cannot follow. */
function leftOut({ job, extractor }: RunRecord, copies: number): string[] {
  const messages: string[] = [];
  if (extractor !== undefined && job.fine_tune.train !== 'head') {
    messages.push('The network computes features only, so that the head alone learns.');
  }
  if (copies === 0 && !isIdentity(job.augment)) {
    messages.push(
      'Random augmentation is left out, as the features are computed once. To have it, set fine_tune.cached_augmentations, or fine_tune.cache to false.',
    );
  }
  if (job.mix.cutmix > 0 && job.mix.probability > 0) {
    messages.push(
      job.mix.mixup > 0
        ? 'CutMix is left out, as features have no places to cut at; mixup mixes the features.'
        : 'CutMix is left out, as features have no places to cut at. Use mixup, or set fine_tune.cache to false.',
    );
  }
  return messages;
}

function noImages(): TrainyardError {
  return new TrainyardError(
    'teacher',
    'A teacher looks at the images of each step, and this run computes the features of its images once.',
    'Set fine_tune.cache to false, or fine_tune.train to another value than "head"; or clear distillation.teacher.',
  );
}

/** Backbone and projection, as far as they are not frozen. */
async function* learnProjection(
  session: Session,
  sources: Sources,
  epochs: number,
): AsyncGenerator<RunEvent, { outcome: LoopOutcome; parameters: ParameterValues }> {
  const { run, network, from, engine, control, task, accumulate, deadline } = session;
  const { job, classes } = run;
  const whole = withProjection(network, job.contrastive.projection);
  const values = valuesOf(whole, session.parameters, job.seed);
  const train = sources.train(true);
  // The classifier's values are kept as they began, so that even a stopped run is a whole network.
  const merged = merging(network, session.parameters);
  let parameters: ParameterValues = valuesIn(merged, values);
  const outcome = yield* interruptible(
    {
      job: { ...job, training: { ...job.training, epochs } },
      task,
      classes,
      engine,
      graph: sources.reader(whole),
      parameters: values,
      loss: createContrastiveLoss(job.task, job.contrastive),
      train,
      val: null,
      freezing: heldAt(freezingOf(session, train.batches)),
      contrastive: true,
      from,
      control,
      accumulate,
      deadline,
      save: async (checkpoints, drop) => {
        const whole = checkpoints.map((checkpoint) => inNetwork(checkpoint, merged, 'contrastive'));
        parameters = whole[whole.length - 1]?.state.parameters ?? parameters;
        await session.save(whole, { epochs: 0, steps: 0 }, drop);
      },
    },
    (checkpoint) => inNetwork(checkpoint, merged, 'contrastive'),
  );
  return { outcome, parameters };
}

async function* learnClassifier(
  session: Session,
  sources: Sources,
  before: Done,
): AsyncGenerator<RunEvent, LoopOutcome> {
  const { run, task, network, parameters, engine, control, accumulate, deadline } = session;
  const { job, classes } = run;
  const merged = merging(network, parameters);
  return yield* interruptible(
    {
      job,
      task,
      classes,
      engine,
      parameters,
      val: sources.val,
      ...classifierOf(session, sources),
      before,
      from: session.from?.phase === 'contrastive' ? undefined : session.from,
      control,
      accumulate,
      deadline,
      segments: run.segments,
      save: (checkpoints, drop) =>
        session.save(
          checkpoints.map((checkpoint) => inNetwork(checkpoint, merged)),
          before,
          drop,
        ),
    },
    (checkpoint) => inNetwork(checkpoint, merged),
  );
}

/** What the classifier's phase computes, and on what. */
export function classifierOf(
  session: Pick<Session, 'run' | 'network' | 'splits'>,
  sources: Sources,
): Pick<LoopInput, 'graph' | 'loss' | 'train'> & { freezing: Freezing } {
  const { run, network, splits } = session;
  const train = sources.train(false);
  // Two steps, as where the backbone learns: what metric learning has taught stays.
  const taught = readsProjection(run.job) ? hiddenParameters(network) : [];
  return {
    graph: sources.reader(network),
    loss: classifierLoss(run, splits.train),
    train,
    freezing: alsoFrozen(freezingOf(session, train.batches), taught),
  };
}

/** The job's loss on targets as its sources make them. */
function classifierLoss({ job, classes }: RunRecord, train: readonly Item[]): LossFunction {
  const task = getTask(job.task);
  const outputs = task.outputs(classes);
  const probabilities = createMixer(job.mix, job.seed) !== null;
  const loss = createLoss(job.task, job.loss, { classes: classes.length, train: annotationsOf(train), probabilities });
  const { teacher, temperature, weight } = job.distillation;
  if (teacher === null || weight === 0) return loss;
  const activation = task.exportActivation.kind === 'sigmoid' ? 'sigmoid' : 'softmax';
  return withDistillation(loss, { temperature, weight, outputs, activation });
}

/** A loop whose interruption carries a checkpoint of the whole network. */
async function* interruptible(
  input: LoopInput,
  whole: (checkpoint: LoopCheckpoint) => SessionCheckpoint,
): AsyncGenerator<RunEvent, LoopOutcome> {
  try {
    return yield* trainLoop(input);
  } catch (error) {
    if (!(error instanceof Interruption) || error.checkpoint === null) throw error;
    throw new Interruption(error, error.reason, whole(error.checkpoint));
  }
}

function valuesIn(merged: Merging, parameters: Map<string, Float32Array>): ParameterValues {
  return merged({ step: 0, parameters, optimizer: new Map() }).parameters;
}

/** A phase's checkpoint with the values of all parameters, those that it does not know included. */
function inNetwork(checkpoint: LoopCheckpoint, merged: Merging, phase?: 'contrastive'): SessionCheckpoint {
  return { ...checkpoint, state: merged(checkpoint.state), ...(phase !== undefined && { phase }) };
}

/** With cached features there is no backbone left that could be frozen. */
export function freezingOf(
  { run, network }: { run: Pick<RunRecord, 'job' | 'extractor'>; network: Graph },
  stepsPerEpoch: number,
): Freezing {
  return usesFeatureCache(run.job, run.extractor !== undefined)
    ? NOTHING_FROZEN
    : createFreezing(network, run.job.fine_tune, stepsPerEpoch);
}

/** Values for all parameters of a graph; what `values` lacks is drawn. */
function valuesOf(graph: Graph, values: ParameterValues, seed: number): Map<string, Float32Array> {
  const missing = graph.parameters.filter(({ name }) => !values.has(name));
  const drawn = initializeParameters({ ...graph, parameters: missing }, seed);
  return new Map([...values, ...drawn]);
}

type Merging = (state: TrainState) => TrainState;

/** Puts what a phase trained beside the rest of the network, in the network's order. What is saved with one state stays so. */
function merging(network: Graph, rest: ParameterValues): Merging {
  const known = new WeakMap<TrainState, TrainState>();
  return (state) => {
    const before = known.get(state);
    if (before !== undefined) return before;
    const names = new Set([...network.parameters.map(({ name }) => name), ...state.parameters.keys()]);
    const parameters = new Map(
      [...names].flatMap((name) => {
        const values = state.parameters.get(name) ?? rest.get(name);
        return values === undefined ? [] : [[name, values] as const];
      }),
    );
    const whole = { ...state, parameters };
    known.set(state, whole);
    return whole;
  };
}
