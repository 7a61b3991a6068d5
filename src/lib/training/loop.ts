// The training loop: epochs of steps, validation, checkpoints, early stopping. Plain events come out, requests go in. Knows
// neither storage nor page; no timer drives it, so a hidden tab trains at full speed.

import { TrainyardError } from '$lib/core/errors';
import type { Engine, LossFunction, TrainState, TrainStep } from '$lib/engines/contract';
import type { Graph, ParameterValues } from '$lib/graph/types';
import type { Job } from '$lib/job/job';
import { parseLayerRates } from '$lib/job/layer-rates';
import type { CheckpointRecord, CheckpointSlot } from '$lib/storage/records';
import type { Task } from '$lib/tasks/contract';
import { AwayWatch } from './away';
import { controlOf, type LoopControl } from './control';
import type { RunEvent } from './events';
import { lossFailure, LossWatch, type FailureKind, type LossFailure } from './explosion';
import { isFinite } from './finite';
import { NOTHING_FROZEN, type Freezing } from './freezing';
import { Interruption, interruptionOf } from './interruption';
import { chooseMetric, Judge } from './judge';
import { unmatchedRates } from './layer-rates';
import { Meter } from './meter';
import { NormLog } from './norms';
import { optimizerOf } from './optimizer';
import { scheduleOf } from './run-schedule';
import { Saver } from './saver';
import type { BatchSource, SourceBatch } from './source';
import { turn } from './turn';
import { validate } from './validation';

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
  /** Changes a batch on its way to the device, as a pure function of the epoch and the step of this loop (both from 0). */
  mix?: (batch: SourceBatch, epoch: number, step: number) => SourceBatch;
  /** Default: everything learns. */
  freezing?: Freezing;
  /** Epochs of each part of a run that was extended; default: the job's epochs. */
  segments?: readonly number[];
  /** Parts in which a batch is computed, instead of the job's. */
  accumulate?: number;
  /** Metric learning before the classifier's: validates nothing and keeps no best, as it answers nothing yet. */
  contrastive?: boolean;
  /** Done by an earlier phase of the run, and counted in what is told; `position` is this loop's own. */
  before?: { epochs: number; steps: number };
  /** Goes on from here instead of starting at `parameters`. */
  from?: Pick<CheckpointRecord, 'position' | 'carried' | 'state' | 'metrics'>;
  /**
   * Stores checkpoints and removes those in the slots `dropped`, in one go. Those with the same `state` object share it, which
   * whoever changes the state on its way keeps so. Training goes on meanwhile; never called again before it has ended.
   */
  save(checkpoints: readonly LoopCheckpoint[], dropped: readonly CheckpointSlot[]): Promise<void>;
  control?: LoopControl;
  /** For callers that can only stop. */
  signal?: AbortSignal;
  /** On the clock of `now`: the loop then ends as if it were stopped. Pauses and frozen tabs put it off. */
  deadline?: number;
  /** Milliseconds. */
  now?: () => number;
  /** Milliseconds since 1970. */
  wall?: () => number;
}

export type LoopCheckpoint = Omit<CheckpointRecord, 'id' | 'runId' | 'createdAt'>;

export interface LoopOutcome {
  status: 'done' | 'stopped';
  /** Whole epochs done, with those before this loop. */
  epochs: number;
  steps: number;
  best: { metric: string; value: number; epoch: number } | null;
}

export type LoopEvent = Extract<
  RunEvent,
  {
    type: 'notice' | 'progress' | 'norms' | 'validating' | 'epoch' | 'checkpoint' | 'paused' | 'continued' | 'away';
  }
>;

/** Ten events a second are as many as an eye can use. */
const EMIT_EVERY_MS = 100;

/**
 * Steps that may be enqueued before the loss of the first of them is known. Enough to keep a device busy while the host prepares
 * the next batch; the limit bounds the memory of uploaded batches, as a WebGPU queue has no end.
 */
const STEPS_IN_FLIGHT = 4;

const GRADIENTS_EVERY = 10;

type Kept = Pick<LoopCheckpoint, 'kind' | 'slot'>;

const BEST: Kept = { kind: 'best', slot: 'best' };
const LAST: Kept = { kind: 'last', slot: 'last' };

/**
 * Trains to the end of the job, an early stop, the deadline or a request to stop. Frees all that it allocates on the device. Throws
 * LossFailure where the loss or the weights are no longer numbers to go on with, Interruption where the device gives out.
 */
export async function* trainLoop(input: LoopInput): AsyncGenerator<LoopEvent, LoopOutcome> {
  const { job, engine, graph, train, val, now = () => performance.now(), wall = () => Date.now() } = input;
  const { freezing = NOTHING_FROZEN, contrastive = false, before = { epochs: 0, steps: 0 } } = input;
  const control = input.control ?? controlOf(input.signal ?? new AbortController().signal);
  const stepsPerEpoch = train.batches;
  const schedule = scheduleOf(job, stepsPerEpoch, input.segments);
  const { epochs } = schedule;
  const meter = new Meter(now);
  const judge = new Judge(chooseMetric(job, input.task), job, input.from?.carried);
  const saver = new Saver({ autosaveMs: job.checkpoints.autosave_seconds * 1000, now });
  const away = new AwayWatch({ now, wall });
  const watch = new LossWatch();
  const norms = new NormLog();
  /** On these devices the call that enqueues a step computes it. */
  const computes = engine.device.backend !== 'webgpu';
  const names = graph.parameters.filter(({ trainable }) => trainable).map(({ name }) => name);

  let position = { ...(input.from?.position ?? { epoch: 0, stepInEpoch: 0 }) };
  let epochLoss = { sum: input.from?.carried?.lossSum ?? 0, steps: input.from?.carried?.lossSteps ?? 0 };
  let metrics: Readonly<Record<string, number>> = input.from?.metrics ?? {};
  let validated = input.from?.carried?.validated ?? 0;
  let validationSeconds = 0;
  let deadline = input.deadline ?? Infinity;

  const compile = (parameters: ParameterValues): TrainStep =>
    engine.compile(
      graph,
      parameters,
      optimizerOf(job, input.loss, freezing.at(position.epoch), { names, accumulate: input.accumulate }),
    );
  let step = compile(input.parameters);
  let stages = freezing.stages(position.epoch);
  if (input.from !== undefined) step.restore(input.from.state);

  const inFlight: StepInFlight[] = [];
  /** Told at the next boundary: what happened while something was waited for. */
  const outbox: LoopEvent[] = [];
  /** A best checkpoint that is not stored yet; it goes with the next last one, whose `carried` knows it. */
  let held: LoopCheckpoint | null = null;
  /** A loss that cannot be read leaves nobody knowing which of the steps behind it count. */
  let trusted = true;

  const stepsDone = (): number => position.epoch * stepsPerEpoch + position.stepInEpoch;
  const told = (): number => before.steps + stepsDone();
  const stopping = (): boolean => control.signal.aborted || now() >= deadline;
  const rateBefore = (step: number): number => schedule.rateAt(Math.max(0, step - 1), judge.plateau);

  /** Takes the losses that are known, and waits until at most `left` steps are under way. */
  async function settle(left: number): Promise<void> {
    for (let next = inFlight[0]; inFlight.length > left || next?.known; next = inFlight[0]) {
      const { known } = next;
      const started = now();
      // The one synchronisation of training: it waits for a step that lies STEPS_IN_FLIGHT behind, whose 4 bytes were put on
      // their way to the host right behind it, so the device goes on with the steps after it.
      const loss = await next.loss.catch((error: unknown) => {
        trusted = false;
        throw error;
      });
      meter.spend(known ? 'read' : 'compute', now() - started);
      inFlight.shift();
      const failure = watch.see(loss);
      if (failure !== null) throw await failed(failure, next, loss);
      meter.add(loss, next.images);
      epochLoss = { sum: epochLoss.sum + loss, steps: epochLoss.steps + 1 };
      if (next.tellNorms) await tellNorms(next);
    }
  }

  /**
   * For the case that the loss fails at this step. On the host they are a by-product; on a GPU they are two small kernels a parameter,
   * so they are taken now and then, and with every step once the loss rises.
   */
  const wantsGradients = (number: number): boolean => computes || number % GRADIENTS_EVERY === 0 || watch.rises;

  async function tellNorms({ number, epoch }: StepInFlight): Promise<void> {
    const started = now();
    const layers = await norms.layers(number);
    meter.spend('read', now() - started);
    if (layers !== null) outbox.push({ type: 'norms', step: before.steps + number + 1, epoch, layers });
  }

  async function failed(
    kind: FailureKind,
    { number, rate, epoch }: Pick<StepInFlight, 'number' | 'rate' | 'epoch'>,
    loss: number,
  ): Promise<LossFailure> {
    const { gradients, at } = await norms.gradients(number, kind !== 'not-finite');
    const detail = {
      step: before.steps + number + 1,
      learningRate: rate,
      loss,
      gradients,
      ...(at !== null && at !== number && { gradientsAt: before.steps + at + 1 }),
    };
    return lossFailure(kind, detail, { epoch, best: judge.best?.epoch ?? null, job });
  }

  function progress(learningRate: number): LoopEvent {
    const { loss, imagesPerSecond, timing } = meter.read();
    const stepsLeft = epochs * stepsPerEpoch - stepsDone();
    const imagesLeft = (stepsLeft * train.items.length) / stepsPerEpoch;
    const training = imagesPerSecond > 0 ? imagesLeft / imagesPerSecond : 0;
    return {
      type: 'progress',
      step: told(),
      epoch: before.epochs + position.epoch + 1,
      stepInEpoch: position.stepInEpoch,
      loss,
      learningRate,
      imagesPerSecond,
      secondsLeft: training + validationsLeft() * validationSeconds,
      memoryBytes: engine.memory().bytes,
      timing,
    };
  }

  function validationsLeft(): number {
    if (val === null) return 0;
    const { every_epochs, every_steps } = job.validation;
    const within = every_steps > 0 ? Math.floor((stepsPerEpoch - 1) / every_steps) : 0;
    return Math.ceil((epochs - position.epoch) / every_epochs) + (epochs - position.epoch) * within;
  }

  /** The whole state, at a step boundary; nothing that is no number is ever kept. A synchronisation. */
  async function copy(epoch: number): Promise<TrainState> {
    await settle(0);
    const started = now();
    const state = await step.state();
    if (!isFinite(state)) {
      const number = stepsDone() - 1;
      throw await failed('weights', { number, rate: rateBefore(number + 1), epoch }, meter.latest);
    }
    meter.spend('read', now() - started);
    saver.held(now() - started);
    return state;
  }

  function checkpointOf(kept: Kept, state: TrainState, epoch: number): LoopCheckpoint {
    const carried = { lossSum: epochLoss.sum, lossSteps: epochLoss.steps, validated, ...judge.state() };
    return { ...kept, epoch, metrics, position: { ...position }, carried, state };
  }

  /** Keeps the present state in all of these slots, stored once. */
  async function save(kinds: readonly Kept[], epoch: number, dropped: readonly CheckpointSlot[] = []): Promise<void> {
    const state = await copy(epoch);
    await store(
      kinds.map((kept) => checkpointOf(kept, state, epoch)),
      dropped,
    );
  }

  async function store(checkpoints: readonly LoopCheckpoint[], dropped: readonly CheckpointSlot[]): Promise<void> {
    const best = checkpoints.some(({ kind }) => kind === 'best') ? null : held;
    held = null;
    const stored = best === null ? checkpoints : [best, ...checkpoints];
    await saver.write(
      () => input.save(stored, dropped),
      () => {
        for (const { kind, slot, epoch: of, state: saved } of stored) {
          outbox.push({ type: 'checkpoint', kind, slot, epoch: of, step: before.steps + saved.step });
        }
      },
    );
  }

  const withLast = (kinds: readonly Kept[]): readonly Kept[] => (job.checkpoints.keep_last ? [...kinds, LAST] : kinds);

  /** What a validation or the end of an epoch is worth keeping. */
  async function keep(
    epoch: number,
    {
      best,
      top,
      dropped,
      ends,
    }: { best: boolean; top: CheckpointSlot | null; dropped: readonly CheckpointSlot[]; ends: boolean },
  ): Promise<void> {
    const { keep_best, keep_last, every_epochs } = job.checkpoints;
    const asked: Kept[] = [];
    if (top !== null) asked.push({ kind: 'top', slot: top });
    if (ends && every_epochs > 0 && (epoch - before.epochs) % every_epochs === 0) {
      asked.push({ kind: 'epoch', slot: `epoch-${epoch}` });
    }
    const kinds = [...(best && keep_best ? [BEST] : []), ...asked];
    if (asked.length > 0 || saver.affordable || (kinds.length > 0 && !keep_last)) {
      // The whole state is stored anyway: the last one costs nothing then.
      if (withLast(kinds).length > 0) await save(withLast(kinds), epoch, dropped);
    } else if (kinds.length > 0) {
      // Nothing is lost when the tab is closed before it is stored: the run goes on from a checkpoint before it and finds it again.
      held = checkpointOf(BEST, await copy(epoch), epoch);
    }
  }

  /** Lets go the stages whose epoch has come: another step, with everything that the one before knew. */
  async function unfreeze(): Promise<void> {
    const due = freezing.stages(position.epoch);
    if (due === stages) return;
    await settle(0);
    // A synchronisation, a few times in a run.
    const state = await step.state();
    step.dispose();
    step = compile(state.parameters);
    step.restore(state);
    stages = due;
    away.restart();
    const epoch = before.epochs + position.epoch + 1;
    outbox.push({ type: 'notice', message: `From epoch ${epoch} on ${freezing.name(due)} learns, too.` });
  }

  /** Null when stopped meanwhile. */
  async function* judged(
    epoch: number,
    slot: CheckpointSlot,
  ): AsyncGenerator<LoopEvent, ReturnType<Judge['see']> | null> {
    if (val === null) return { best: false, top: null, dropped: [] };
    const started = now();
    const values = yield* validate({
      ...input,
      val,
      step,
      epoch,
      signal: control.signal,
      now,
      emitEveryMs: EMIT_EVERY_MS,
    });
    validationSeconds = (now() - started) / 1000;
    rest();
    if (values === null) return null;
    metrics = { ...metrics, ...values };
    validated = stepsDone();
    return judge.see(values, epoch, slot, schedule.warmsUp(stepsDone() - 1));
  }

  /** After something that is no training. */
  function rest(): void {
    meter.restart();
    saver.skip();
    away.skip();
  }

  /** Does what was asked for since the last boundary. */
  async function* obey(epoch: number): AsyncGenerator<LoopEvent, void> {
    for (let request = control.takeRequest(); request !== null; request = control.takeRequest()) {
      const kept: Kept = request === 'save' ? { kind: 'saved', slot: `saved-${told()}` } : LAST;
      await save(request === 'save' ? withLast([kept]) : [kept], epoch);
      if (request === 'save') continue;
      await saver.flush();
      yield* outbox.splice(0);
      const started = now();
      yield { type: 'paused', step: told() };
      await control.continued();
      const waited = now() - started;
      deadline += waited;
      rest();
      if (!stopping()) yield { type: 'continued', step: told(), seconds: waited / 1000 };
    }
  }

  function noticeAway(): void {
    const seconds = away.tick();
    if (seconds === null) return;
    deadline += seconds * 1000;
    rest();
    outbox.push({ type: 'away', seconds, reason: 'frozen' });
  }

  function isDueWithin(): boolean {
    const { every_steps } = job.validation;
    const { stepInEpoch } = position;
    const within = stepInEpoch > 0 && stepInEpoch < stepsPerEpoch;
    return val !== null && every_steps > 0 && within && stepInEpoch % every_steps === 0 && validated !== stepsDone();
  }

  /** False when stopped meanwhile: it is made up for when the run goes on. */
  async function* validateWithin(epoch: number, since: number): AsyncGenerator<LoopEvent, boolean> {
    await settle(0);
    metrics = { train_loss: epochLoss.sum / epochLoss.steps };
    const verdict = yield* judged(epoch, `top-${epoch}-${position.stepInEpoch}`);
    if (verdict === null) return false;
    const { best } = verdict;
    const learningRate = rateBefore(stepsDone());
    const seconds = (now() - since) / 1000;
    yield { type: 'epoch', epoch, step: told(), metrics, learningRate, seconds, best, within: true };
    await keep(epoch, { ...verdict, ends: false });
    return true;
  }

  try {
    yield* beginning();
    let lastEmit = now();
    run: while (position.epoch < epochs) {
      const { epoch } = position;
      const tell = before.epochs + epoch + 1;
      const epochStarted = now();
      if (epoch > 0 && position.stepInEpoch === 0 && schedule.begins(epoch)) judge.restart();
      if (judge.givesUp) break;
      await unfreeze();
      yield* outbox.splice(0);
      rest();
      if (isDueWithin() && !(yield* validateWithin(tell, epochStarted))) break;
      if (judge.givesUp) break;

      let asked = now();
      for await (const given of train.epoch(epoch, position.stepInEpoch)) {
        meter.spend('data', now() - asked);
        if (stopping()) break run;
        const number = stepsDone();
        const rate = schedule.rateAt(number, judge.plateau);
        const batch = input.mix?.(given, epoch, number) ?? given;
        const tellNorms = job.monitoring.norms_every > 0 && (number + 1) % job.monitoring.norms_every === 0;
        const called = now();
        const done = step.run(batch, rate, {
          momentum: schedule.momentumAt(number),
          norms: tellNorms ? 'all' : wantsGradients(number) ? 'gradient' : undefined,
        });
        meter.spend(computes ? 'compute' : 'upload', now() - called);
        if (done.norms !== null) norms.add(number, done.norms);
        inFlight.push(
          stepInFlight({ loss: done.loss.read(), number, epoch: tell, images: batch.shape[0], rate, tellNorms }),
        );
        position = { epoch, stepInEpoch: position.stepInEpoch + 1 };
        await turn();
        await settle(STEPS_IN_FLIGHT);
        saver.stepped();
        noticeAway();
        if (now() - lastEmit >= EMIT_EVERY_MS && meter.steps > 0) {
          lastEmit = now();
          yield progress(rate);
        }
        if (isDueWithin() && (!(yield* validateWithin(tell, epochStarted)) || judge.givesUp)) break run;
        // Behind its last step the end of the epoch comes first: a checkpoint before it would have that told twice.
        if (position.stepInEpoch < stepsPerEpoch) {
          yield* obey(tell);
          if (job.checkpoints.keep_last && saver.due) await save([LAST], tell);
        }
        yield* outbox.splice(0);
        asked = now();
      }
      if (stopping()) break;

      await settle(0);
      const rate = rateBefore(stepsDone());
      const isLast = schedule.ends(epoch);
      if (meter.steps > 0 && (isLast || now() - lastEmit >= EMIT_EVERY_MS)) {
        lastEmit = now();
        yield progress(rate);
      }
      yield* outbox.splice(0);
      if (epochLoss.steps === 0) throw emptyEpoch();
      const trainLoss = epochLoss.sum / epochLoss.steps;
      metrics = contrastive ? { contrastive_loss: trainLoss } : { train_loss: trainLoss };

      const due = (epoch + 1) % job.validation.every_epochs === 0 || isLast;
      const verdict = due ? yield* judged(tell, `top-${tell}`) : { best: false, top: null, dropped: [] };
      // Stopped in the middle of it: the epoch's end is made up for when the run goes on.
      if (verdict === null) break;
      if (val === null) judge.seeTraining(trainLoss, schedule.warmsUp(stepsDone() - 1));
      position = { epoch: epoch + 1, stepInEpoch: 0 };
      epochLoss = { sum: 0, steps: 0 };
      const seconds = (now() - epochStarted) / 1000;
      yield { type: 'epoch', epoch: tell, step: told(), metrics, learningRate: rate, seconds, best: verdict.best };
      await keep(tell, { ...verdict, ends: true });
      if (position.epoch < epochs) yield* obey(tell);
      if (stopping()) break;
    }

    await settle(0);
    const short = position.epoch < epochs;
    const stopped = short && !judge.givesUp;
    if (short && judge.givesUp) yield { type: 'notice', message: judge.reason };
    if (stopped && !control.signal.aborted) {
      yield { type: 'notice', level: 'warning', message: 'The time limit is reached. The run can go on from here.' };
    }
    const ended = before.epochs + (position.stepInEpoch > 0 ? position.epoch + 1 : position.epoch);
    // Without a judge, or without keeping what it liked, the newest weights are the best that there is.
    const newest = judge.best === null || !job.checkpoints.keep_best;
    await save(newest && !contrastive ? [BEST, LAST] : [LAST], ended);
    await saver.flush();
    yield* outbox.splice(0);
    return {
      status: stopped ? 'stopped' : 'done',
      epochs: before.epochs + position.epoch,
      steps: told(),
      best: judge.best,
    };
  } catch (error) {
    const reason = interruptionOf(error);
    if (reason === null || !(error instanceof TrainyardError)) throw error;
    throw new Interruption(error, reason, reason === 'out-of-memory' ? await lastBoundary() : null);
  } finally {
    await Promise.allSettled(inFlight.map(({ loss }) => loss));
    await saver.settled();
    norms.dispose();
    step.dispose();
  }

  function* beginning(): Generator<LoopEvent, void> {
    if (val === null && !contrastive) {
      const plateau = job.scheduler.name === 'plateau' ? ' The learning rate falls by the loss of training.' : '';
      yield {
        type: 'notice',
        message: `No validation images: nothing tells which epoch is the best, so the last one is kept as the best.${plateau}`,
      };
    }
    const unmatched = unmatchedRates(parseLayerRates(job.optimizer.layer_rates), names);
    if (unmatched.length === 0) return;
    const list = unmatched.map((beginning) => `"${beginning}"`).join(', ');
    yield { type: 'notice', level: 'warning', message: `optimizer.layer_rates: no parameter begins with ${list}.` };
  }

  /** After a step that did not happen: all before it is stored, and handed on. Null where the device can no longer be read. */
  async function lastBoundary(): Promise<LoopCheckpoint | null> {
    if (!trusted) return null;
    const epoch = before.epochs + position.epoch + 1;
    let checkpoint: LoopCheckpoint;
    try {
      checkpoint = checkpointOf(LAST, await copy(epoch), epoch);
    } catch (error) {
      if (interruptionOf(error) === null) throw error;
      return null;
    }
    await store([checkpoint], []);
    await saver.flush();
    return checkpoint;
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
  /** Its norms are shown. */
  tellNorms: boolean;
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

function emptyEpoch(): TrainyardError {
  return new TrainyardError(
    'no-train-images',
    'An epoch has no batch to train on.',
    'Put images into the train split.',
  );
}
