import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine, TrainState } from '$lib/engines/contract';
import type { LoopCheckpoint } from '$lib/training/loop';
import type { BatchSource } from '$lib/training/source';
import { cpuEngine, makeJob, makeSource, ofType, record } from './support';

let engine: Engine;

beforeAll(async () => {
  engine = await cpuEngine();
});

/** A clock that moves only between steps, so that every step is worth an event. */
function stepClock(): () => number {
  let time = 0;
  return () => (time += 60);
}

/** Aborts after `steps` train batches of the run have been handed out. */
function stopAfter(steps: number, source = makeSource('train', 32, 8)): { train: BatchSource; signal: AbortSignal } {
  const controller = new AbortController();
  let given = 0;
  const train: BatchSource = {
    items: source.items,
    batches: source.batches,
    async *epoch(epoch, first) {
      for await (const batch of source.epoch(epoch, first)) {
        if (given++ === steps) controller.abort();
        yield batch;
      }
    },
  };
  return { train, signal: controller.signal };
}

function lastOf(checkpoints: readonly LoopCheckpoint[], kind: 'best' | 'last'): LoopCheckpoint {
  const found = checkpoints.findLast((checkpoint) => checkpoint.kind === kind);
  if (found === undefined) throw new Error(`no ${kind} checkpoint`);
  return found;
}

function expectSameBits(found: TrainState, expected: TrainState): void {
  expect(found.step).toBe(expected.step);
  expect([...found.parameters.keys()]).toEqual([...expected.parameters.keys()]);
  for (const [name, values] of expected.parameters) expect(found.parameters.get(name), name).toEqual(values);
  for (const [name, values] of expected.optimizer) expect(found.optimizer.get(name), name).toEqual(values);
}

describe('the training loop', () => {
  it('makes the loss fall and the accuracy rise, and says so once an epoch', async () => {
    const { events, outcome } = await record(engine, makeJob({ training: { epochs: 6, batch_size: 8 } }));
    const epochs = ofType(events, 'epoch');
    expect(epochs.map(({ epoch, step }) => [epoch, step])).toEqual([1, 2, 3, 4, 5, 6].map((n) => [n, n * 4]));
    expect(epochs[5].metrics.train_loss).toBeLessThan(0.7 * epochs[0].metrics.train_loss);
    expect(epochs[5].metrics.val_accuracy).toBe(1);
    expect(outcome).toMatchObject({ status: 'done', epochs: 6, steps: 24, best: { metric: 'val_accuracy', value: 1 } });
  });

  it('reports progress as means since the last report, with the rate of that step', async () => {
    const { events } = await record(engine, makeJob({ scheduler: { name: 'constant' } }), { now: stepClock() });
    const progress = ofType(events, 'progress');
    expect(progress.length).toBeGreaterThan(6);
    for (const event of progress) {
      expect(event.learningRate).toBe(0.05);
      expect(event.loss).toBeGreaterThan(0);
      expect(event.imagesPerSecond).toBeGreaterThan(0);
      expect(event.secondsLeft).toBeGreaterThan(0);
    }
    expect(progress.at(-1)).toMatchObject({ step: 12, epoch: 3, stepInEpoch: 4 });
  });

  it('emits at most ten events a second however fast the steps are', async () => {
    // 5 ms a look at the clock: 12 steps take about 0.3 s.
    let time = 0;
    const { events } = await record(engine, makeJob(), { now: () => (time += 5) });
    expect(ofType(events, 'progress').length).toBeLessThanOrEqual(Math.ceil(time / 100) + 1);
  });

  it('keeps the best by the deciding metric and the last with its optimiser', async () => {
    const { events, checkpoints } = await record(engine, makeJob());
    const epochs = ofType(events, 'epoch');
    const best = lastOf(checkpoints, 'best');
    const top = Math.max(...epochs.map(({ metrics }) => metrics.val_accuracy));
    expect(best.metrics.val_accuracy).toBe(top);
    expect(best.epoch).toBe(epochs.find(({ metrics }) => metrics.val_accuracy === top)?.epoch);
    // Whole, so that a run can go on from any checkpoint.
    expect([...best.state.optimizer.keys()].sort()).toEqual(['exp_avg', 'exp_avg_sq']);
    const last = lastOf(checkpoints, 'last');
    expect(last.position).toEqual({ epoch: 3, stepInEpoch: 0 });
    expect([...last.state.optimizer.keys()].sort()).toEqual(['exp_avg', 'exp_avg_sq']);
    expect(epochs.filter((epoch) => epoch.best).length).toBe(
      ofType(events, 'checkpoint').filter(({ kind }) => kind === 'best').length,
    );
  });

  it('takes the lower value of a metric that should be low as the better one', async () => {
    const { events, outcome } = await record(engine, makeJob({ validation: { metric: 'loss' } }));
    const losses = ofType(events, 'epoch').map(({ metrics }) => metrics.val_loss);
    expect(outcome.best).toMatchObject({ metric: 'val_loss', value: Math.min(...losses) });
  });

  it('validates as often as it is told, and always at the end', async () => {
    const job = makeJob({ training: { epochs: 5, batch_size: 8 }, validation: { every_epochs: 2 } });
    const { events } = await record(engine, job);
    expect(ofType(events, 'epoch').map(({ metrics }) => 'val_loss' in metrics)).toEqual([
      false,
      true,
      false,
      true,
      true,
    ]);
  });

  it('keeps the last epoch as the best where nothing is held out, and says so', async () => {
    const { events, checkpoints, outcome } = await record(engine, makeJob(), { val: null });
    expect(ofType(events, 'notice')[0].message).toContain('No validation images');
    expect(lastOf(checkpoints, 'best').state.parameters).toEqual(lastOf(checkpoints, 'last').state.parameters);
    expect(outcome.best).toBeNull();
  });

  it('stops early when the metric no longer improves', async () => {
    const job = makeJob({
      training: { epochs: 50, batch_size: 8 },
      early_stopping: { enabled: true, patience: 3 },
    });
    const { events, checkpoints, outcome } = await record(engine, job);
    expect(outcome.status).toBe('done');
    expect(outcome.epochs).toBe((outcome.best?.epoch ?? 0) + 3);
    expect(outcome.epochs).toBeLessThan(50);
    expect(ofType(events, 'notice')[0].message).toContain('has not improved for 3 validations');
    // Cut off after that and resumed, it does not train on.
    const resumed = await record(engine, job, { from: lastOf(checkpoints, 'last') });
    expect(resumed.outcome).toEqual(outcome);
    expect(ofType(resumed.events, 'epoch')).toEqual([]);
  });

  it('stops at the next step with a checkpoint of exactly there', async () => {
    const { checkpoints, outcome } = await record(engine, makeJob(), stopAfter(6));
    expect(outcome).toMatchObject({ status: 'stopped', epochs: 1, steps: 6 });
    expect(lastOf(checkpoints, 'last')).toMatchObject({
      position: { epoch: 1, stepInEpoch: 2 },
      epoch: 2,
      state: { step: 6 },
    });
  });

  it('stopped before any validation keeps what there is as the best', async () => {
    const { checkpoints } = await record(engine, makeJob(), stopAfter(2));
    expect(lastOf(checkpoints, 'best').state.step).toBe(2);
  });

  it.each([1, 2, 4, 5, 8, 11])('resumed after %d of 12 steps ends with the same bits', async (steps) => {
    const whole = await record(engine, makeJob());
    const first = await record(engine, makeJob(), stopAfter(steps));
    const from = lastOf(first.checkpoints, 'last');
    const second = await record(engine, makeJob(), { from });
    expectSameBits(lastOf(second.checkpoints, 'last').state, lastOf(whole.checkpoints, 'last').state);
    expect(second.outcome).toEqual(whole.outcome);
    const [losses, expected] = [second, whole].map(({ events }) =>
      ofType(events, 'epoch').map(({ epoch, metrics }) => [epoch, metrics.train_loss, metrics.val_loss]),
    );
    expect(losses).toEqual(expected.slice(-losses.length));
  });

  it('ends with other bits for another seed', async () => {
    const [one, other] = [await record(engine, makeJob()), await record(engine, makeJob({ seed: 1 }))];
    expect(lastOf(one.checkpoints, 'last').state.parameters).not.toEqual(
      lastOf(other.checkpoints, 'last').state.parameters,
    );
  });

  it('refuses to go on with a loss that is no number, names the step and keeps the checkpoints', async () => {
    const sink: LoopCheckpoint[] = [];
    const job = makeJob({ optimizer: { name: 'sgd', learning_rate: 10 }, scheduler: { name: 'constant' } });
    let calls = 0;
    const failing = record(engine, job, {
      sink,
      loss: (output, targets) => {
        const value = tf.losses.softmaxCrossEntropy(targets, output);
        return ++calls > 6 ? tf.mul(value, NaN) : value;
      },
    });
    await expect(failing).rejects.toMatchObject({
      code: 'loss-not-finite',
      message: expect.stringMatching(
        /^The loss became NaN at step 7 \(epoch 2\), at a learning rate of 10\. Largest gradients of step 6, /,
      ) as string,
      hint: expect.stringContaining('The best checkpoint, of epoch 1, is kept.') as string,
    });
    expect(sink.map(({ kind, epoch }) => [kind, epoch])).toEqual([
      ['best', 1],
      ['last', 1],
    ]);
  });

  it('leaves nothing on the device: done, stopped, failed or abandoned', async () => {
    const before = engine.memory().tensors;
    await record(engine, makeJob());
    await record(engine, makeJob(), stopAfter(3));
    await expect(record(engine, makeJob(), { save: () => Promise.reject(new Error('disk full')) })).rejects.toThrow();
    expect(engine.memory().tensors).toBe(before);
  });

  it('lets other messages in between any two steps, though each is computed without a pause', async () => {
    let messages = 0;
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      messages++;
      port2.postMessage(null);
    };
    port2.postMessage(null);
    const source = makeSource('train', 32, 8);
    const seen: number[] = [];
    const train: BatchSource = {
      items: source.items,
      batches: source.batches,
      async *epoch(epoch, first) {
        for await (const batch of source.epoch(epoch, first)) {
          seen.push(messages);
          yield batch;
        }
      },
    };
    await record(engine, makeJob(), { train, val: null });
    port1.close();
    expect(seen).toHaveLength(12);
    expect(new Set(seen).size).toBe(12);
  });
});
