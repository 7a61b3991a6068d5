// What a run does between its first event and its last checkpoint: features where the backbone is frozen, metric learning where
// the job has some, then the classifier. Saves through what it is given; knows neither a record's life nor evaluation.

import type { Engine } from '$lib/engines/contract';
import { initializeParameters } from '$lib/graph/initialize';
import { hiddenParameters, withProjection } from '$lib/graph/projection';
import type { Graph, ParameterValues } from '$lib/graph/types';
import type { Job } from '$lib/job/job';
import { isIdentity } from '$lib/pipeline/augment';
import type { DecodePool } from '$lib/pipeline/pool';
import type { Database } from '$lib/storage/database';
import type { CheckpointRecord, Item, RunRecord, SplitName } from '$lib/storage/records';
import type { Task } from '$lib/tasks/contract';
import { createContrastiveLoss, createLoss } from '$lib/tasks/losses';
import { backboneOf, backboneTitle, openRunner, usesFeatureCache } from './backbone';
import type { RunEvent } from './events';
import { cachedCopies, computeFeatures } from './features';
import { alsoFrozen, createFreezing, heldAt, NOTHING_FROZEN, type Freezing } from './freezing';
import { trainLoop, type LoopCheckpoint, type LoopOutcome } from './loop';
import { readsProjection } from './network';
import { annotationsOf } from './source';
import { featureSources, imageSources, type Sources } from './sources';

export interface Session {
  run: RunRecord;
  task: Task;
  /** Whole, without normalisation. */
  network: Graph;
  /** Of the network, and of the projection where metric learning goes on. */
  parameters: ParameterValues;
  /** Goes on from here. */
  from?: CheckpointRecord;
  splits: Readonly<Record<SplitName, readonly Item[]>>;
  engine: Engine;
  pool: DecodePool;
  database: Database;
  /** With the values of the whole network, frozen ones included. `before` is what earlier phases have done. */
  save(checkpoints: readonly SessionCheckpoint[], before: Done): Promise<void>;
  signal: AbortSignal;
}

export type SessionCheckpoint = LoopCheckpoint & Pick<CheckpointRecord, 'phase'>;

export interface Done {
  epochs: number;
  steps: number;
}

/** Epochs of metric learning that a job has before those of its classifier. */
export function contrastiveEpochs(job: Pick<Job, 'contrastive'>): number {
  // Jobs of runs from before there was metric learning say nothing of it.
  const contrastive: Job['contrastive'] | undefined = job.contrastive;
  return contrastive?.epochs ?? 0;
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
    yield { type: 'phase', phase: 'classifier', epochs: session.run.job.training.epochs };
    const before = { epochs, steps: epochs * sources.train(true).batches };
    return yield* learnClassifier({ ...session, parameters }, sources, before);
  } finally {
    await sources.dispose();
  }
}

/** Null where it was stopped while features were computed. */
async function* openSources(session: Session): AsyncGenerator<RunEvent, Sources | null> {
  const { run, task, network, parameters, splits, engine, pool, database, signal } = session;
  const { job, classes, preprocess } = run;
  const options = { job, task, classes, preprocess, splits };
  if (!usesFeatureCache(job, run.extractor !== undefined)) return imageSources(options, pool);
  const copies = cachedCopies(job);
  for (const message of leftOut(run, copies)) yield { type: 'notice', message };
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
  const table = yield* computeFeatures(request, { database, pool, signal, open });
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
  return messages;
}

/** Backbone and projection, as far as they are not frozen. */
async function* learnProjection(
  session: Session,
  sources: Sources,
  epochs: number,
): AsyncGenerator<RunEvent, { outcome: LoopOutcome; parameters: ParameterValues }> {
  const { run, network, from, engine, signal, task } = session;
  const { job, classes } = run;
  const whole = withProjection(network, job.contrastive.projection);
  const values = valuesOf(whole, session.parameters, job.seed);
  const train = sources.train(true);
  // The classifier's values are kept as they began, so that even a stopped run is a whole network.
  const merged = merging(network, session.parameters);
  let parameters: ParameterValues = merged(values);
  const outcome = yield* trainLoop({
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
    signal,
    save: async (checkpoints) => {
      const whole = checkpoints.map((checkpoint): SessionCheckpoint => {
        const state = { ...checkpoint.state, parameters: merged(checkpoint.state.parameters) };
        parameters = state.parameters;
        return { ...checkpoint, state, phase: 'contrastive' };
      });
      await session.save(whole, { epochs: 0, steps: 0 });
    },
  });
  return { outcome, parameters };
}

async function* learnClassifier(
  session: Session,
  sources: Sources,
  before: Done,
): AsyncGenerator<RunEvent, LoopOutcome> {
  const { run, task, network, parameters, splits, engine, signal } = session;
  const { job, classes } = run;
  const train = sources.train(false);
  const merged = merging(network, parameters);
  // Two steps, as where the backbone learns: what metric learning has taught stays.
  const taught = readsProjection(job) ? hiddenParameters(network) : [];
  return yield* trainLoop({
    job,
    task,
    classes,
    engine,
    graph: sources.reader(network),
    parameters,
    loss: createLoss(job.task, job.loss, { classes: classes.length, train: annotationsOf(splits.train) }),
    train,
    val: sources.val,
    freezing: alsoFrozen(freezingOf(session, train.batches), taught),
    before,
    // A head of a few thousand numbers is stored with its backbone of millions.
    holdBest: usesFeatureCache(job, run.extractor !== undefined),
    from: session.from?.phase === 'contrastive' ? undefined : session.from,
    signal,
    save: (checkpoints) =>
      session.save(
        checkpoints.map((checkpoint) => ({
          ...checkpoint,
          state: { ...checkpoint.state, parameters: merged(checkpoint.state.parameters) },
        })),
        before,
      ),
  });
}

/** With cached features there is no backbone left that could be frozen. */
function freezingOf({ run, network }: Session, stepsPerEpoch: number): Freezing {
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

/** Puts what a phase trained beside the rest of the network, in the network's order. */
function merging(network: Graph, rest: ParameterValues): (trained: ParameterValues) => Map<string, Float32Array> {
  return (trained) => {
    const names = new Set([...network.parameters.map(({ name }) => name), ...trained.keys()]);
    return new Map(
      [...names].flatMap((name) => {
        const values = trained.get(name) ?? rest.get(name);
        return values === undefined ? [] : [[name, values] as const];
      }),
    );
  };
}
