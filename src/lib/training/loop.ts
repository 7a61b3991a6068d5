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
import { isFinite } from './finite';
import { NOTHING_FROZEN, type Freezing } from './freezing';
import { Interruption, interruptionOf } from './interruption';
import { chooseMetric, Judge, NOTHING_SEEN, type Verdict } from './judge';
import { BEST, Keeper, LAST } from './keeper';
import { unmatchedRates } from './layer-rates';
import { Meter } from './meter';
import { optimizerOf } from './optimizer';
import { scheduleOf } from './run-schedule';
import { Saver } from './saver';
import type { BatchSource, SourceBatch } from './source';
import { turn } from './turn';
import { StepsUnderWay } from './under-way';
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

  /** Told at the next boundary: what happened while something was waited for. */
  const outbox: LoopEvent[] = [];
  const tell = (event: LoopEvent): void => void outbox.push(event);
  const underWay = new StepsUnderWay({
    job,
    stepsBefore: before.steps,
    meter,
    now,
    bestEpoch: () => judge.best?.epoch ?? null,
    onLoss(loss) {
      epochLoss = { sum: epochLoss.sum + loss, steps: epochLoss.steps + 1 };
    },
    tell,
  });
  const keeper = new Keeper({
    rules: job.checkpoints,
    saver,
    before,
    copy,
    describe() {
      const carried = { lossSum: epochLoss.sum, lossSteps: epochLoss.steps, validated, ...judge.state() };
      return { metrics, position: { ...position }, carried };
    },
    save: (checkpoints, dropped) => input.save(checkpoints, dropped),
    tell,
  });

  const stepsDone = (): number => position.epoch * stepsPerEpoch + position.stepInEpoch;
  const told = (): number => before.steps + stepsDone();
  const stopping = (): boolean => control.signal.aborted || now() >= deadline;
  const rateBefore = (step: number): number => schedule.rateAt(Math.max(0, step - 1), judge.plateau);

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
    await underWay.settle(0);
    const started = now();
    const state = await step.state();
    if (!isFinite(state)) {
      const number = stepsDone() - 1;
      throw await underWay.failure('weights', { number, rate: rateBefore(number + 1), epoch }, meter.latest);
    }
    meter.spend('read', now() - started);
    saver.held(now() - started);
    return state;
  }

  /** Lets go the stages whose epoch has come: another step, with everything that the one before knew. */
  async function unfreeze(): Promise<void> {
    const due = freezing.stages(position.epoch);
    if (due === stages) return;
    await underWay.settle(0);
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
  async function* judged(epoch: number, slot: CheckpointSlot): AsyncGenerator<LoopEvent, Verdict | null> {
    if (val === null) return NOTHING_SEEN;
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
      if (request === 'save') {
        await keeper.saveWithLast([{ kind: 'saved', slot: `saved-${told()}` }], epoch);
        continue;
      }
      await keeper.save([LAST], epoch);
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
    await underWay.settle(0);
    metrics = { train_loss: epochLoss.sum / epochLoss.steps };
    // Before the verdict, which may lower it.
    const learningRate = rateBefore(stepsDone());
    const verdict = yield* judged(epoch, `top-${epoch}-${position.stepInEpoch}`);
    if (verdict === null) return false;
    const { best } = verdict;
    const seconds = (now() - since) / 1000;
    yield { type: 'epoch', epoch, step: told(), metrics, learningRate, seconds, best, within: true };
    await keeper.keep(epoch, verdict, false);
    return true;
  }

  try {
    yield* beginning();
    let lastEmit = now();
    run: while (position.epoch < epochs) {
      const { epoch } = position;
      const number = before.epochs + epoch + 1;
      const epochStarted = now();
      if (epoch > 0 && position.stepInEpoch === 0 && schedule.begins(epoch)) judge.restart();
      if (judge.givesUp) break;
      await unfreeze();
      yield* outbox.splice(0);
      rest();
      if (isDueWithin() && !(yield* validateWithin(number, epochStarted))) break;
      if (judge.givesUp) break;

      let asked = now();
      for await (const given of train.epoch(epoch, position.stepInEpoch)) {
        meter.spend('data', now() - asked);
        if (stopping()) break run;
        const index = stepsDone();
        const rate = schedule.rateAt(index, judge.plateau);
        const batch = input.mix?.(given, epoch, index) ?? given;
        const called = now();
        const done = step.run(batch, rate, { momentum: schedule.momentumAt(index), norms: underWay.norms(index) });
        meter.spend(computes ? 'compute' : 'upload', now() - called);
        underWay.add(done, { number: index, epoch: number, rate, images: batch.shape[0] });
        position = { epoch, stepInEpoch: position.stepInEpoch + 1 };
        await turn();
        await underWay.settle(STEPS_IN_FLIGHT);
        saver.stepped();
        noticeAway();
        if (now() - lastEmit >= EMIT_EVERY_MS && meter.steps > 0) {
          lastEmit = now();
          yield progress(rate);
        }
        if (isDueWithin() && (!(yield* validateWithin(number, epochStarted)) || judge.givesUp)) break run;
        // Behind its last step the end of the epoch comes first: a checkpoint before it would have that told twice.
        if (position.stepInEpoch < stepsPerEpoch) {
          yield* obey(number);
          if (job.checkpoints.keep_last && saver.due) await keeper.save([LAST], number);
        }
        yield* outbox.splice(0);
        asked = now();
      }
      if (stopping()) break;

      await underWay.settle(0);
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
      const verdict = due ? yield* judged(number, `top-${number}`) : NOTHING_SEEN;
      // Stopped in the middle of it: the epoch's end is made up for when the run goes on.
      if (verdict === null) break;
      if (val === null) judge.seeTraining(trainLoss, schedule.warmsUp(stepsDone() - 1));
      position = { epoch: epoch + 1, stepInEpoch: 0 };
      epochLoss = { sum: 0, steps: 0 };
      const seconds = (now() - epochStarted) / 1000;
      yield { type: 'epoch', epoch: number, step: told(), metrics, learningRate: rate, seconds, best: verdict.best };
      await keeper.keep(number, verdict, true);
      if (position.epoch < epochs) yield* obey(number);
      if (stopping()) break;
    }

    await underWay.settle(0);
    const short = position.epoch < epochs;
    const stopped = short && !judge.givesUp;
    if (short && judge.givesUp) yield { type: 'notice', message: judge.reason };
    if (stopped && !control.signal.aborted) {
      yield { type: 'notice', level: 'warning', message: 'The time limit is reached. The run can go on from here.' };
    }
    const ended = before.epochs + (position.stepInEpoch > 0 ? position.epoch + 1 : position.epoch);
    // Without a judge, or without keeping what it liked, the newest weights are the best that there is.
    const newest = judge.best === null || !job.checkpoints.keep_best;
    await keeper.save(newest && !contrastive ? [BEST, LAST] : [LAST], ended);
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
    await underWay.dispose();
    await saver.settled();
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
    try {
      const checkpoint = await keeper.save([LAST], before.epochs + position.epoch + 1);
      await saver.flush();
      return checkpoint;
    } catch (error) {
      if (interruptionOf(error) === null) throw error;
      return null;
    }
  }
}

function emptyEpoch(): TrainyardError {
  return new TrainyardError(
    'no-train-images',
    'An epoch has no batch to train on.',
    'Put images into the train split.',
  );
}
