// The training loop: epochs of steps, validation, best and last checkpoint, early stopping. Plain events come out, a stop request
// goes in. Knows neither storage nor page; no timer drives it, so a hidden tab trains at full speed.

import { TrainyardError } from '$lib/core/errors';
import { formatSignificant } from '$lib/core/format';
import type { Engine, LossFunction, TrainStep } from '$lib/engines/contract';
import type { Graph, ParameterValues } from '$lib/graph/types';
import type { Job } from '$lib/job/job';
import type { CheckpointRecord } from '$lib/storage/records';
import type { Task } from '$lib/tasks/contract';
import { NOTHING_FROZEN, type Freezing } from './freezing';
import { optimizerOf } from './optimizer';
import { chooseMetric, Judge } from './judge';
import { Meter } from './meter';
import { collectOutputs } from './predict';
import { createMomentum, createSchedule } from './schedules';
import { annotationsOf, type BatchSource } from './source';
import { turn } from './turn';
import type { RunEvent } from './events';

export interface LoopInput {
  job: Job;
  task: Task;
  classes: readonly string[];
  engine: Engine;
  /** With normalisation inside; takes what the sources give. */
  graph: Graph;
  parameters: ParameterValues;
  loss: LossFunction;
  train: BatchSource;
  /** Null where no image is held out for it. */
  val: BatchSource | null;
  /** Default: everything learns. */
  freezing?: Freezing;
  /** Metric learning before the classifier's: validates nothing and keeps no best, as it answers nothing yet. */
  contrastive?: boolean;
  /** A best checkpoint waits in memory for the next last one: where storing takes longer than an epoch. */
  holdBest?: boolean;
  /** Done by an earlier phase of the run, and counted in what is told; `position` is this loop's own. */
  before?: { epochs: number; steps: number };
  /** Goes on from here instead of starting at `parameters`. */
  from?: Pick<CheckpointRecord, 'position' | 'carried' | 'state' | 'metrics'>;
  /** Stores the checkpoints, in one go; training waits. */
  save(checkpoints: readonly LoopCheckpoint[]): Promise<void>;
  /** Aborted to stop at the next step, with a checkpoint. */
  signal: AbortSignal;
  /** Milliseconds. */
  now?: () => number;
}

export type LoopCheckpoint = Omit<CheckpointRecord, 'id' | 'runId' | 'createdAt'>;

export interface LoopOutcome {
  status: 'done' | 'stopped';
  /** Whole epochs done, with those before this loop. */
  epochs: number;
  steps: number;
  best: { metric: string; value: number; epoch: number } | null;
}

export type LoopEvent = Extract<RunEvent, { type: 'notice' | 'progress' | 'validating' | 'epoch' | 'checkpoint' }>;

/** Ten events a second are as many as an eye can use. */
const EMIT_EVERY_MS = 100;

/**
 * Steps that may be enqueued before the loss of the first of them is known. Enough to keep a device busy while the host prepares
 * the next batch; the limit bounds the memory of uploaded batches, as a WebGPU queue has no end.
 */
const STEPS_IN_FLIGHT = 4;

/** Saving takes at most this share of the time... */
const SAVING_SHARE = 0.05;
/** ...and long epochs are saved in between, so that a closed tab costs minutes, not hours. */
const SAVE_WITHIN_EPOCH_MS = 180_000;

/** Trains to the end of the job, an early stop or the abort of `signal`. Frees all that it allocates on the device. */
export async function* trainLoop(input: LoopInput): AsyncGenerator<LoopEvent, LoopOutcome> {
  const { job, engine, graph, train, val, signal, now = () => performance.now() } = input;
  const { freezing = NOTHING_FROZEN, contrastive = false, before = { epochs: 0, steps: 0 } } = input;
  const holdBest = input.holdBest === true && job.checkpoints.keep_last;
  const { epochs } = job.training;
  const stepsPerEpoch = train.batches;
  const schedule = createSchedule(job.scheduler, {
    rate: job.optimizer.learning_rate,
    steps: epochs * stepsPerEpoch,
    stepsPerEpoch,
  });
  const momentum = createMomentum(job, epochs * stepsPerEpoch);
  const meter = new Meter(now);
  const judge = new Judge(chooseMetric(job, input.task), job.early_stopping, input.from?.carried);
  const saver = new Saver(now);

  let position = { ...(input.from?.position ?? { epoch: 0, stepInEpoch: 0 }) };
  let epochLoss = { sum: input.from?.carried?.lossSum ?? 0, steps: input.from?.carried?.lossSteps ?? 0 };
  let metrics: Readonly<Record<string, number>> = input.from?.metrics ?? {};
  let validationSeconds = 0;

  const compile = (parameters: ParameterValues): TrainStep =>
    engine.compile(graph, parameters, optimizerOf(job, input.loss, freezing.at(position.epoch)));
  let step = compile(input.parameters);
  let stages = freezing.stages(position.epoch);
  if (input.from !== undefined) step.restore(input.from.state);
  if (val === null && !contrastive) {
    yield {
      type: 'notice',
      message: 'No validation images: nothing tells which epoch is the best, so the last one is kept as the best.',
    };
  }

  const inFlight: StepInFlight[] = [];

  /** Takes the losses that are known, and waits until at most `left` steps are under way. */
  async function settle(left: number): Promise<void> {
    for (let next = inFlight[0]; inFlight.length > left || next?.known; next = inFlight[0]) {
      // The one synchronisation of training: it waits for a step that lies STEPS_IN_FLIGHT behind, whose 4 bytes were put on
      // their way to the host right behind it, so the device goes on with the steps after it.
      const loss = await next.loss;
      inFlight.shift();
      if (!Number.isFinite(loss)) throw notFinite(loss, next, judge.best?.epoch ?? null);
      meter.add(loss, next.images);
      epochLoss = { sum: epochLoss.sum + loss, steps: epochLoss.steps + 1 };
    }
  }

  function progress(learningRate: number): LoopEvent {
    const { loss, imagesPerSecond } = meter.read();
    const stepsLeft = epochs * stepsPerEpoch - (position.epoch * stepsPerEpoch + position.stepInEpoch);
    const imagesLeft = (stepsLeft * train.items.length) / stepsPerEpoch;
    const training = imagesPerSecond > 0 ? imagesLeft / imagesPerSecond : 0;
    const validations = val === null ? 0 : Math.ceil((epochs - position.epoch) / job.validation.every_epochs);
    return {
      type: 'progress',
      step: before.steps + position.epoch * stepsPerEpoch + position.stepInEpoch,
      epoch: before.epochs + position.epoch + 1,
      stepInEpoch: position.stepInEpoch,
      loss,
      learningRate,
      imagesPerSecond,
      secondsLeft: training + validations * validationSeconds,
      memoryBytes: engine.memory().bytes,
    };
  }

  /** A best checkpoint that is not stored yet; it goes with the next last one, whose `carried` knows it. */
  let held: LoopCheckpoint | null = null;

  async function* save(kinds: readonly ('best' | 'last')[], epoch: number): AsyncGenerator<LoopEvent, void> {
    if (kinds.length === 0) return;
    const started = now();
    // A synchronisation: the whole state comes to the host.
    const state = await step.state();
    const carried = { lossSum: epochLoss.sum, lossSteps: epochLoss.steps, ...judge.state() };
    const checkpoints = kinds.map((kind): LoopCheckpoint => {
      const kept = kind === 'best' ? { ...state, optimizer: new Map<string, Float32Array>() } : state;
      return { kind, epoch, metrics, position: { ...position }, carried, state: kept };
    });
    const best = checkpoints.find(({ kind }) => kind === 'best');
    if (best !== undefined) held = null;
    if (holdBest && best !== undefined && checkpoints.length === 1) {
      held = best;
      return;
    }
    const stored = held === null ? checkpoints : [held, ...checkpoints];
    held = null;
    await input.save(stored);
    saver.saved(now() - started);
    for (const { kind, epoch: of, state: saved } of stored) {
      yield { type: 'checkpoint', kind, epoch: of, step: before.steps + saved.step };
    }
  }

  /** Lets go the stages whose epoch has come: another step, with everything that the one before knew. */
  async function* unfreeze(): AsyncGenerator<LoopEvent, void> {
    const due = freezing.stages(position.epoch);
    if (due === stages) return;
    await settle(0);
    // A synchronisation, a few times in a run.
    const state = await step.state();
    step.dispose();
    step = compile(state.parameters);
    step.restore(state);
    stages = due;
    const epoch = before.epochs + position.epoch + 1;
    yield { type: 'notice', message: `From epoch ${epoch} on ${freezing.name(due)} learns, too.` };
  }

  try {
    let lastEmit = now();
    run: while (position.epoch < epochs && !judge.givesUp) {
      const { epoch } = position;
      const told = before.epochs + epoch + 1;
      const epochStarted = now();
      yield* unfreeze();
      meter.restart();

      for await (const batch of train.epoch(epoch, position.stepInEpoch)) {
        if (signal.aborted) break run;
        const number = epoch * stepsPerEpoch + position.stepInEpoch;
        const rate = schedule(number);
        const loss = step.run(batch, rate, momentum(number)).loss.read();
        inFlight.push(stepInFlight({ loss, number: before.steps + number, epoch: told, images: batch.shape[0], rate }));
        position = { epoch, stepInEpoch: position.stepInEpoch + 1 };
        await turn();
        await settle(STEPS_IN_FLIGHT);
        if (now() - lastEmit >= EMIT_EVERY_MS && meter.steps > 0) {
          lastEmit = now();
          yield progress(rate);
        }
        if (job.checkpoints.keep_last && saver.sinceSaved() > SAVE_WITHIN_EPOCH_MS) {
          await settle(0);
          yield* save(['last'], told);
        }
      }

      await settle(0);
      const rate = schedule(epoch * stepsPerEpoch + position.stepInEpoch - 1);
      const isLast = epoch + 1 === epochs;
      if (meter.steps > 0 && (isLast || now() - lastEmit >= EMIT_EVERY_MS)) {
        lastEmit = now();
        yield progress(rate);
      }
      if (epochLoss.steps === 0) throw emptyEpoch();
      const trainLoss = epochLoss.sum / epochLoss.steps;
      position = { epoch: epoch + 1, stepInEpoch: 0 };
      epochLoss = { sum: 0, steps: 0 };
      metrics = contrastive ? { contrastive_loss: trainLoss } : { train_loss: trainLoss };

      const due = position.epoch % job.validation.every_epochs === 0 || isLast;
      let best = false;
      if (val !== null && due) {
        const started = now();
        const values = yield* validate(input, step, val, told, now);
        validationSeconds = (now() - started) / 1000;
        if (values !== null) {
          metrics = { ...metrics, ...values };
          best = judge.see(values, told);
        }
      }
      yield {
        type: 'epoch',
        epoch: told,
        step: before.steps + position.epoch * stepsPerEpoch,
        metrics,
        learningRate: rate,
        seconds: (now() - epochStarted) / 1000,
        best,
      };
      const { keep_best, keep_last } = job.checkpoints;
      yield* save(
        [...(best && keep_best ? ['best' as const] : []), ...(keep_last && saver.due() ? ['last' as const] : [])],
        told,
      );
      if (signal.aborted) break;
      if (judge.givesUp) yield { type: 'notice', message: judge.reason };
    }

    await settle(0);
    const stopped = signal.aborted && position.epoch < epochs;
    const ended = before.epochs + (position.stepInEpoch > 0 ? position.epoch + 1 : position.epoch);
    // Without a judge, or without keeping what it liked, the newest weights are the best that there is.
    const newest = judge.best === null || !job.checkpoints.keep_best;
    yield* save(newest && !contrastive ? ['best', 'last'] : ['last'], ended);
    return {
      status: stopped ? 'stopped' : 'done',
      epochs: before.epochs + position.epoch,
      steps: before.steps + position.epoch * stepsPerEpoch + position.stepInEpoch,
      best: judge.best,
    };
  } finally {
    await Promise.allSettled(inFlight.map(({ loss }) => loss));
    step.dispose();
  }
}

/** The task's metrics on the validation split with the present weights, named val_...; null when stopped meanwhile. */
async function* validate(
  { task, classes, train, signal }: LoopInput,
  step: TrainStep,
  val: BatchSource,
  epoch: number,
  now: () => number,
): AsyncGenerator<LoopEvent, Record<string, number> | null> {
  const collecting = collectOutputs(step, val, signal);
  let lastEmit = now();
  for (;;) {
    const next = await collecting.next();
    if (next.done === true) {
      if (next.value === null) return null;
      const { result } = task.evaluate({
        outputs: next.value,
        annotations: annotationsOf(val.items),
        paths: val.items.map(({ path }) => path),
        classes,
        train: annotationsOf(train.items),
      });
      const defined = Object.entries(result.metrics).filter((entry): entry is [string, number] => entry[1] !== null);
      return Object.fromEntries(defined.map(([name, value]) => [`val_${name}`, value]));
    }
    if (now() - lastEmit < EMIT_EVERY_MS) continue;
    lastEmit = now();
    yield { type: 'validating', epoch, ...next.value };
  }
}

interface StepInFlight {
  loss: Promise<number>;
  /** The promise is settled. */
  known: boolean;
  number: number;
  epoch: number;
  images: number;
  rate: number;
}

function stepInFlight(step: Omit<StepInFlight, 'known'>): StepInFlight {
  const inFlight = { ...step, known: false };
  const know = (): void => {
    inFlight.known = true;
  };
  // A failure is heard where the promise is awaited in its turn; until then it must not count as one that nobody handles.
  step.loss.then(know, know);
  return inFlight;
}

/** Spaces the savings of 'last' so that they cost little. */
class Saver {
  readonly #now: () => number;
  #savedAt: number;
  /** Of the last one; 0 makes the first epoch's end always due. */
  #tookMs = 0;

  constructor(now: () => number) {
    this.#now = now;
    this.#savedAt = now();
  }

  saved(tookMs: number): void {
    this.#savedAt = this.#now();
    this.#tookMs = tookMs;
  }

  sinceSaved(): number {
    return this.#now() - this.#savedAt;
  }

  due(): boolean {
    return this.sinceSaved() >= this.#tookMs / SAVING_SHARE;
  }
}

function notFinite(
  loss: number,
  at: { number: number; epoch: number; rate: number },
  bestEpoch: number | null,
): TrainyardError {
  const kept = bestEpoch === null ? '' : ` The best checkpoint, of epoch ${bestEpoch}, is kept.`;
  return new TrainyardError(
    'loss-not-finite',
    `The loss became ${loss} at step ${at.number + 1} (epoch ${at.epoch}), at a learning rate of ${formatSignificant(at.rate)}.`,
    `Lower optimizer.learning_rate, to a tenth for a start, or set optimizer.clip_norm to 1.${kept}`,
    { badInput: false },
  );
}

function emptyEpoch(): TrainyardError {
  return new TrainyardError(
    'no-train-images',
    'An epoch has no batch to train on.',
    'Put images into the train split.',
  );
}
