// What the loop does besides training: it saves behind the steps, keeps to limits, notices that it stood still, and ends well
// where the loss or the device fails.
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { TrainyardError } from '$lib/core/errors';
import type { Engine, StepOptions, TrainStep } from '$lib/engines/contract';
import { createControl } from '$lib/training/control';
import { LossFailure } from '$lib/training/explosion';
import { Interruption } from '$lib/training/interruption';
import type { LoopCheckpoint, LoopEvent, LoopInput } from '$lib/training/loop';
import type { BatchSource } from '$lib/training/source';
import { cpuEngine, loopOf, makeJob, makeSource, ofType, record } from './support';

let engine: Engine;

beforeAll(async () => {
  engine = await cpuEngine();
});

/** A clock that stands still but for what the test moves it by. */
function manualClock() {
  const clock = { time: 0, now: () => clock.time };
  return clock;
}

/** Calls `before` as each batch of the run is asked for, with its number from 0. */
function watched(before: (batch: number) => void | Promise<void>, source = makeSource('train', 32, 8)): BatchSource {
  let batch = 0;
  return {
    ...source,
    async *epoch(epoch, first) {
      for await (const given of source.epoch(epoch, first)) {
        await before(batch++);
        yield given;
      }
    },
  };
}

/** The engine with another step: `change` gets each compiled one. */
function withStep(change: (step: TrainStep) => Partial<TrainStep>): Engine {
  return {
    ...engine,
    device: engine.device,
    compile: (...args) => {
      const step = engine.compile(...args);
      const own: TrainStep = {
        run: (...given) => step.run(...given),
        predict: (...given) => step.predict(...given),
        profile: (...given) => step.profile(...given),
        state: () => step.state(),
        restore: (state) => step.restore(state),
        dispose: () => step.dispose(),
      };
      return { ...own, ...change(step) };
    },
    memory: () => engine.memory(),
    predictor: (...args) => engine.predictor(...args),
    lost: engine.lost,
    renew: () => engine.renew(),
    probe: (wanted) => engine.probe(wanted),
  };
}

const slots = (checkpoints: readonly LoopCheckpoint[]): string[] => checkpoints.map(({ slot }) => slot);

describe('checkpoints', () => {
  it('of one saving share their state, whole in each', async () => {
    const job = makeJob({ ema: { decay: 0.9 }, checkpoints: { every_epochs: 1, top_k: 2 } });
    const savings: LoopCheckpoint[][] = [];
    await record(engine, job, {
      save: (checkpoints) => Promise.resolve(void savings.push([...checkpoints])),
    });
    expect(slots(savings[0])).toEqual(['best', 'top-1', 'epoch-1', 'last']);
    for (const saving of savings) {
      expect(new Set(saving.map(({ state }) => state)).size).toBe(1);
      expect(saving[0].state.ema?.size).toBe(5);
      expect(saving[0].state.optimizer.size).toBe(2);
    }
  });

  it('keep the best few by the deciding metric, dropping the worst as a better one comes', async () => {
    const job = makeJob({
      training: { epochs: 6, batch_size: 8 },
      validation: { metric: 'loss' },
      checkpoints: { top_k: 2 },
    });
    const kept = new Map<string, LoopCheckpoint>();
    let most = 0;
    const { events } = await record(engine, job, {
      save: (checkpoints, dropped) => {
        for (const slot of dropped) expect(kept.delete(slot), slot).toBe(true);
        for (const checkpoint of checkpoints) kept.set(checkpoint.slot, checkpoint);
        most = Math.max(most, [...kept.keys()].filter((slot) => slot.startsWith('top-')).length);
        return Promise.resolve();
      },
    });
    const losses = ofType(events, 'epoch').map(({ epoch, metrics }) => ({
      slot: `top-${epoch}`,
      loss: metrics.val_loss,
    }));
    const best = losses.toSorted((a, b) => a.loss - b.loss).slice(0, 2);
    expect(kept.get('last')?.carried?.top).toEqual(best.map(({ slot, loss }) => ({ slot, value: loss })));
    for (const { slot, loss } of best) expect(kept.get(slot)?.metrics.val_loss).toBe(loss);
    expect(most).toBe(2);
  });

  it('are written while training goes on, never two at once', async () => {
    const clock = manualClock();
    let underWay = 0;
    let steps = 0;
    const during: number[] = [];
    const job = makeJob({ training: { epochs: 10, batch_size: 8 }, checkpoints: { autosave_seconds: 20 } });
    const { checkpoints } = await record(engine, job, {
      ...clock,
      // Ten seconds a step.
      train: watched(() => {
        steps++;
        clock.time += 10_000;
      }),
      save: async (written) => {
        expect(++underWay).toBe(1);
        const before = steps;
        // Until two more steps are done, or there are none.
        for (let turns = 0; steps < before + 2 && turns < 100; turns++) await new Promise((r) => setTimeout(r, 1));
        during.push(steps - before);
        underWay--;
        expect(written.every(({ state }) => state.step <= before)).toBe(true);
      },
    });
    expect(checkpoints).toEqual([]);
    expect(during.filter((count) => count >= 2).length).toBeGreaterThan(4);
  });

  it('are made on the way as often as the job says, counted in work', async () => {
    const clock = manualClock();
    const job = makeJob({ training: { epochs: 2, batch_size: 1 }, checkpoints: { autosave_seconds: 30 } });
    const saved: number[] = [];
    // A second a step, 64 of them.
    const train = watched(() => void (clock.time += 1000), makeSource('train', 32, 1));
    await record(engine, job, { ...clock, train, val: null, save: () => Promise.resolve(void saved.push(clock.time)) });
    expect(saved.slice(0, 4)).toEqual([30_000, 32_000, 62_000, 64_000]);
  });

  it('of which writing fails end the run with what failed', async () => {
    const full = new TrainyardError('storage-full', 'No room.');
    const job = makeJob({ training: { epochs: 50, batch_size: 8 } });
    const steps: number[] = [];
    const failing = record(engine, job, {
      train: watched((n) => void steps.push(n)),
      save: () => Promise.reject(full),
    });
    await expect(failing).rejects.toBe(full);
    expect(steps.length).toBeLessThan(10);
  });
});

describe('limits', () => {
  it('end the run as a stop does, with a checkpoint, and pauses put them off', async () => {
    const clock = manualClock();
    const { control, pause, continue: goOn } = createControl();
    const train = watched((batch) => {
      clock.time += 1000;
      if (batch === 2) pause();
    });
    const events: LoopEvent[] = [];
    const sink: LoopCheckpoint[] = [];
    const save: LoopInput['save'] = (checkpoints) => Promise.resolve(void sink.push(...checkpoints));
    const loop = loopOf(engine, makeJob(), { ...clock, train, control, deadline: 6500, save });
    for (;;) {
      const next = await loop.next();
      if (next.done === true) {
        // 6 steps of a second, though an hour has passed.
        expect(next.value).toMatchObject({ status: 'stopped', steps: 6 });
        break;
      }
      events.push(next.value);
      if (next.value.type !== 'paused') continue;
      clock.time += 3_600_000;
      goOn();
    }
    expect(sink.at(-1)).toMatchObject({ slot: 'last', state: { step: 6 } });
    expect(ofType(events, 'continued')).toEqual([{ type: 'continued', step: 3, seconds: 3600 }]);
    expect(ofType(events, 'notice').map(({ message }) => message)).toEqual([
      'The time limit is reached. The run can go on from here.',
    ]);
  });

  it('a stop during a pause ends the run there', async () => {
    const { control, pause, stop } = createControl();
    pause();
    const { outcome, events } = await record(engine, makeJob(), {
      control,
      at: (event) => {
        if (event.type === 'paused') stop();
      },
    });
    expect(outcome).toMatchObject({ status: 'stopped', steps: 1 });
    expect(ofType(events, 'continued')).toEqual([]);
  });
});

describe('a tab that stood still', () => {
  it.each(['now', 'wall'] as const)('says how long it was away, by the jump of one clock: %s', async (which) => {
    const clocks = { now: 0, wall: 1e12 };
    const job = makeJob({ training: { epochs: 5, batch_size: 8 } });
    const { events } = await record(engine, job, {
      now: () => clocks.now,
      wall: () => clocks.wall,
      train: watched((batch) => {
        clocks.now += 100;
        clocks.wall += 100;
        if (batch === 10) clocks[which] += 90_000;
      }),
    });
    expect(ofType(events, 'away')).toEqual([
      { type: 'away', seconds: expect.closeTo(90, 0) as number, reason: 'frozen' },
    ]);
  });

  it('is not seen in slow first steps, slow validations or pauses', async () => {
    const clock = manualClock();
    const slowVal = watched(() => void (clock.time += 60_000), makeSource('val', 16, 8));
    const { control, pause, continue: goOn } = createControl();
    const { events } = await record(engine, makeJob({ training: { epochs: 5, batch_size: 8 } }), {
      ...clock,
      wall: clock.now,
      control,
      val: slowVal,
      train: watched((batch) => {
        clock.time += batch === 0 || batch === 3 ? 60_000 : 100;
        if (batch === 14) pause();
      }),
      at: (event) => {
        if (event.type !== 'paused') return;
        clock.time += 500_000;
        goOn();
      },
    });
    expect(ofType(events, 'away')).toEqual([]);
    expect(ofType(events, 'paused')).toHaveLength(1);
  });
});

describe('progress', () => {
  it('says where the time of a step goes', async () => {
    const clock = manualClock();
    const timed = withStep((step) => ({
      run: (...args) => {
        clock.time += 70;
        return step.run(...args);
      },
      state: () => {
        clock.time += 40;
        return step.state();
      },
    }));
    const { events } = await record(timed, makeJob(), {
      ...clock,
      train: watched(() => void (clock.time += 30)),
      val: null,
    });
    const timings = ofType(events, 'progress').map(({ timing }) => timing);
    // On the CPU the call that enqueues a step computes it. A copy for the checkpoint of an epoch counts for the steps after it.
    expect(timings[0]).toEqual({ data: 30, upload: 0, compute: 70, read: 0 });
    expect(timings.some((timing) => timing !== undefined && timing.read > 0)).toBe(true);
  });

  it('counts the call as hand-over where the device computes by itself, and waiting for it as computing', async () => {
    const clock = manualClock();
    const gpu = withStep((step) => ({
      run: (...args) => {
        clock.time += 5;
        const { loss, norms } = step.run(...args);
        const read = async (): Promise<number> => {
          // Later than any turn of the loop: it has to wait.
          await new Promise((resolve) => setTimeout(resolve, 20));
          clock.time += 50;
          return loss.read();
        };
        return { loss: { read, dispose: () => loss.dispose() }, norms };
      },
    }));
    const device = { ...engine.device, backend: 'webgpu' as const };
    const { events } = await record({ ...gpu, device }, makeJob(), { ...clock, val: null });
    const times = ofType(events, 'progress').map(({ timing }) => timing);
    expect(times.some((timing) => timing !== undefined && timing.upload > 0)).toBe(true);
    expect(times.some((timing) => timing !== undefined && timing.compute > 20)).toBe(true);
  });
});

describe('norms', () => {
  it('of every layer are told every so many steps, and only then asked for whole', async () => {
    const asked: StepOptions['norms'][] = [];
    const spied = withStep((step) => ({
      run: (batch, rate, options) => {
        asked.push(options?.norms);
        return step.run(batch, rate, options);
      },
    }));
    const { events } = await record(spied, makeJob({ monitoring: { norms_every: 5 } }));
    expect(asked.map((which) => which === 'all')).toEqual(Array.from({ length: 12 }, (_, step) => step % 5 === 4));
    const norms = ofType(events, 'norms');
    expect(norms.map(({ step, epoch }) => [step, epoch])).toEqual([
      [5, 2],
      [10, 3],
    ]);
    expect(norms[0].layers.map(({ name }) => name)).toEqual([
      'conv.weight',
      'bn.weight',
      'bn.bias',
      'fc.weight',
      'fc.bias',
    ]);
    for (const { weight, gradient, update } of norms[0].layers.filter(({ name }) => name.endsWith('weight'))) {
      expect(Math.min(weight, gradient, update)).toBeGreaterThan(0);
    }
  });
});

describe('averages', () => {
  it('are what is validated', async () => {
    const settings = { training: { epochs: 1, batch_size: 8 }, optimizer: { name: 'sgd', learning_rate: 0.5 } };
    const [plain, averaged] = await Promise.all(
      [0, 0.9999].map((decay) => record(engine, makeJob({ ...settings, ema: { decay, warmup: false } }))),
    );
    const loss = (run: typeof plain) => ofType(run.events, 'epoch')[0].metrics.val_loss;
    // Of weights that have hardly moved from where they began.
    const start = await record(engine, makeJob({ ...settings, optimizer: { name: 'sgd', learning_rate: 1e-9 } }));
    expect(Math.abs(loss(averaged) - loss(plain))).toBeGreaterThan(0.01);
    expect(ofType(averaged.events, 'epoch')[0].metrics.train_loss).toBe(
      ofType(plain.events, 'epoch')[0].metrics.train_loss,
    );
    expect(loss(start)).not.toBe(loss(plain));
  });
});

describe('a plateau without validation images', () => {
  it('goes by the loss of training, and says so', async () => {
    const scheduler = { name: 'plateau', patience: 0, factor: 0.5, threshold: 0.9 };
    const { events } = await record(engine, makeJob({ scheduler }), { val: null });
    expect(ofType(events, 'notice')[0].message).toContain('The learning rate falls by the loss of training.');
    expect(ofType(events, 'epoch').map(({ learningRate }) => learningRate)).toEqual([0.05, 0.05, 0.025]);
  });
});

it('says which factors by layer are for no layer', async () => {
  const job = makeJob({ optimizer: { layer_rates: 'conv.=0.5, nowhere.=2' } });
  const { events } = await record(engine, job);
  expect(ofType(events, 'notice').map(({ message }) => message)).toEqual([
    'optimizer.layer_rates: no parameter begins with "nowhere.".',
  ]);
});

describe('a run that fails', () => {
  /** Square error of the outputs themselves: with a rate this high each step overshoots more than the one before. */
  const squares: LoopInput['loss'] = (output, targets) => tf.mean(tf.square(tf.sub(output, targets)));

  it('because its loss explodes ends with the step, the rate and the largest gradients', async () => {
    const job = makeJob({
      training: { epochs: 50, batch_size: 8 },
      optimizer: { name: 'sgd', learning_rate: 2.2, momentum: 0, nesterov: false, weight_decay: 0 },
      scheduler: { name: 'constant' },
      validation: { metric: 'loss' },
    });
    const sink: LoopCheckpoint[] = [];
    const error: unknown = await record(engine, job, { sink, loss: squares }).catch((reason: unknown) => reason);
    if (!(error instanceof LossFailure)) throw error;
    const { step, learningRate, loss, gradients } = error.detail;
    expect(error.code).toBe('loss-exploded');
    expect(learningRate).toBe(2.2);
    expect(loss).toBeGreaterThan(100);
    expect(step).toBeLessThan(100);
    expect(gradients.map(({ name }) => name).sort()).toEqual([
      'bn.bias',
      'bn.weight',
      'conv.weight',
      'fc.bias',
      'fc.weight',
    ]);
    const norms = gradients.map(({ norm }) => norm);
    expect(norms).toEqual(norms.toSorted((a, b) => b - a));
    expect(norms[0]).toBeGreaterThan(1);
    expect(sink.length).toBeGreaterThan(0);
  });

  it('because its weights are no numbers any more keeps none of them', async () => {
    const broken = withStep((step) => ({
      state: async () => {
        const state = await step.state();
        if (state.step >= 8) state.optimizer.get('exp_avg_sq')?.fill(Infinity, 3, 4);
        return state;
      },
    }));
    const sink: LoopCheckpoint[] = [];
    await expect(record(broken, makeJob(), { ...manualClock(), sink })).rejects.toMatchObject({
      code: 'state-not-finite',
      detail: { step: 8, loss: expect.any(Number) as number },
    });
    expect(sink.map(({ state }) => state.step)).toEqual([4, 4]);
  });

  it.each([
    ['label smoothing at its highest', { loss: { name: 'cross_entropy', label_smoothing: 0.5 } }],
    [
      'one cycle to a very high peak',
      { optimizer: { name: 'sgd', learning_rate: 3 }, scheduler: { name: 'one_cycle' } },
    ],
    ['Adam at a hundred times its usual rate', { optimizer: { name: 'adam', learning_rate: 0.3 } }],
  ])('is none with %s', async (_name, document) => {
    const { outcome } = await record(engine, makeJob({ training: { epochs: 8, batch_size: 8 }, ...document }));
    expect(outcome.status).toBe('done');
  });
});

describe('a device that gives out', () => {
  const memory = new TrainyardError('out-of-memory', 'No memory.', 'Smaller batch.', { badInput: false });
  const lost = new TrainyardError('device-lost', 'The device is lost.', 'Reload.', { badInput: false });

  /** Throws at the step of this number, once. */
  function failingAt(step: number, error: TrainyardError, where: 'run' | 'read'): Engine {
    let count = 0;
    return withStep((inner) => ({
      run: (...args) => {
        const fails = count++ === step;
        if (fails && where === 'run') throw error;
        const { loss, norms } = inner.run(...args);
        if (!fails) return { loss, norms };
        return { loss: { read: () => Promise.reject(error), dispose: () => loss.dispose() }, norms };
      },
    }));
  }

  async function interrupted(device: Engine, sink: LoopCheckpoint[], job = makeJob()): Promise<Interruption> {
    const error: unknown = await record(device, job, { sink }).catch((reason: unknown) => reason);
    if (!(error instanceof Interruption)) throw error;
    return error;
  }

  it.each([0, 1, 5, 6, 8])(
    'for want of memory at step %d hands on all before it, stored, to go on to the same bits',
    async (at) => {
      const whole = await record(engine, makeJob());
      const sink: LoopCheckpoint[] = [];
      const { reason, checkpoint, code } = await interrupted(failingAt(at, memory, 'run'), sink);
      expect([reason, code, checkpoint?.state.step]).toEqual(['out-of-memory', 'out-of-memory', at]);
      expect(sink.at(-1)).toEqual(checkpoint);
      const rest = await record(engine, makeJob(), { from: checkpoint ?? undefined });
      const last = (checkpoints: readonly LoopCheckpoint[]) =>
        checkpoints.findLast(({ slot }) => slot === 'last')?.state;
      expect(last(rest.checkpoints)).toEqual(last(whole.checkpoints));
      expect(rest.outcome).toEqual(whole.outcome);
    },
  );

  it('for good hands on nothing: what was stored is what there is', async () => {
    const sink: LoopCheckpoint[] = [];
    const { reason, checkpoint } = await interrupted(failingAt(6, lost, 'read'), sink);
    expect([reason, checkpoint]).toEqual(['device-lost', null]);
    expect(sink.at(-1)).toMatchObject({ slot: 'last', state: { step: 4 } });
  });

  it('in a loss that cannot be read does not trust the steps behind it', async () => {
    const { checkpoint } = await interrupted(failingAt(6, memory, 'read'), []);
    expect(checkpoint).toBeNull();
  });

  it('leaves nothing behind', async () => {
    const before = engine.memory().tensors;
    await interrupted(failingAt(5, memory, 'run'), []);
    expect(engine.memory().tensors).toBe(before);
  });

  it('leaves other errors as they are', async () => {
    const other = new TrainyardError('teacher', 'No teacher.');
    await expect(record(failingAt(5, other, 'run'), makeJob())).rejects.toBe(other);
  });
});
