// Exact resume: a run that was cut off anywhere and goes on from what was stored ends with the bits of one that never was.
import { beforeAll, describe, expect, it } from 'vitest';
import { stream } from '$lib/core/random';
import type { Engine, TrainState } from '$lib/engines/contract';
import { initializeParameters } from '$lib/graph/initialize';
import type { Job } from '$lib/job/job';
import type { CheckpointSlot } from '$lib/storage/records';
import { createControl } from '$lib/training/control';
import { createFreezing } from '$lib/training/freezing';
import type { LoopCheckpoint, LoopEvent, LoopInput } from '$lib/training/loop';
import type { BatchSource } from '$lib/training/source';
import { cpuEngine, loopOf, makeJob, makeSource, ofType, stagedGraph } from './support';

let engine: Engine;

beforeAll(async () => {
  engine = await cpuEngine();
});

const EPOCHS = 5;
const STEPS = 4;

/** What storage would hold: by slot, replaced and dropped as the loop says. */
class Store {
  readonly slots = new Map<CheckpointSlot, LoopCheckpoint>();
  savings = 0;

  readonly save: LoopInput['save'] = async (checkpoints, dropped) => {
    this.savings++;
    // As long as writing takes: training goes on meanwhile, and must change nothing of what is written.
    const written = checkpoints.map((checkpoint) => ({ ...checkpoint, state: structuredClone(checkpoint.state) }));
    await new Promise((resolve) => setTimeout(resolve, 2));
    expect(checkpoints.map(({ state }) => state)).toEqual(written.map(({ state }) => state));
    for (const slot of dropped) this.slots.delete(slot);
    for (const checkpoint of written) this.slots.set(checkpoint.slot, checkpoint);
  };
}

interface Variant {
  name: string;
  job: Job;
  more?: Partial<LoopInput>;
  /** That it goes through what it is there for. */
  shows(whole: End): void;
}

const augmentedBatch: NonNullable<LoopInput['mix']> = (batch, epoch, step) => {
  const random = stream(1, 'mix', epoch, step);
  return { ...batch, images: batch.images.map((value) => Math.round(value * (0.5 + 0.5 * random()))) };
};

/** Without weights to start from, a job file may not say so. */
function letGo(job: Job): Job {
  return { ...job, fine_tune: { ...job.fine_tune, train: 'head', unfreeze_every: 1, stage_rate: 0.5 } };
}

const VARIANTS: Variant[] = [
  {
    name: 'plateau, averages, the best few, numbered checkpoints, validation within epochs',
    job: makeJob({
      training: { epochs: EPOCHS, batch_size: 8 },
      scheduler: { name: 'plateau', patience: 0, factor: 0.5, threshold: 0.2, cooldown: 1, warmup_epochs: 0.5 },
      ema: { decay: 0.9 },
      validation: { every_steps: 3, metric: 'loss' },
      checkpoints: { top_k: 2, every_epochs: 2, autosave_seconds: 1 },
    }),
    shows: (whole) => {
      const rates = ofType(whole.events, 'epoch').map(({ learningRate }) => learningRate);
      expect(new Set(rates).size).toBeGreaterThan(2);
      expect(ofType(whole.events, 'epoch').filter(({ within }) => within).length).toBe(EPOCHS);
      const slots = [...whole.store.slots.keys()];
      expect(slots.filter((slot) => slot.startsWith('top-'))).toHaveLength(2);
      expect(slots).toEqual(expect.arrayContaining(['best', 'last', 'epoch-2', 'epoch-4']));
      expect(whole.store.slots.get('last')?.state.ema?.size).toBeGreaterThan(0);
    },
  },
  {
    name: 'early stopping within an epoch, momentum that cycles, mixed batches',
    job: makeJob({
      training: { epochs: EPOCHS, batch_size: 8 },
      optimizer: { name: 'sgd', learning_rate: 0.3 },
      scheduler: { name: 'one_cycle', warmup_epochs: 0.5 },
      validation: { every_steps: 1, metric: 'loss' },
      early_stopping: { enabled: true, patience: 2, min_delta: 0.05 },
      checkpoints: { top_k: 1 },
    }),
    more: { mix: augmentedBatch },
    shows: ({ outcome }) => {
      expect(outcome).toMatchObject({ status: 'done' });
      const { epochs, steps } = outcome as { epochs: number; steps: number };
      expect(epochs).toBeLessThan(EPOCHS);
      expect(steps % STEPS).not.toBe(0);
    },
  },
  {
    name: 'stages let go one by one, factors by layer, a batch in parts, norms',
    job: letGo(
      makeJob({
        training: { epochs: EPOCHS, batch_size: 8, accumulate: 2 },
        optimizer: { name: 'rmsprop', momentum: 0.5, layer_rates: 'a.=0.5, fc.=2', clip_norm: 1, clip_value: 0.5 },
        scheduler: { name: 'cosine_restarts', restart_epochs: 1, restart_factor: 2, interval: 'step' },
        ema: { decay: 0.8, warmup: true },
        monitoring: { norms_every: 3 },
      }),
    ),
    shows: ({ events }) => {
      expect(ofType(events, 'notice')).toHaveLength(3);
      expect(ofType(events, 'norms').map(({ step }) => step)).toEqual([3, 6, 9, 12, 15, 18]);
    },
  },
  {
    name: 'a run that was extended twice',
    job: makeJob({
      training: { epochs: 2, batch_size: 8 },
      optimizer: { name: 'adam', amsgrad: true },
      scheduler: { name: 'polynomial', power: 2, warmup_epochs: 0.5, interval: 'epoch' },
      early_stopping: { enabled: true, patience: 2 },
    }),
    more: { segments: [2, 1, 2] },
    shows: ({ events, outcome }) => {
      expect(outcome).toMatchObject({ epochs: EPOCHS });
      const rates = ofType(events, 'epoch').map(({ learningRate }) => learningRate);
      // By epochs, and each segment begins at the full rate.
      expect(rates[0]).toBe(rates[2]);
      expect(rates[0]).toBe(rates[3]);
      expect(rates[1]).toBeLessThan(rates[0]);
    },
  },
];

function inputOf({ job, more = {} }: Variant): Partial<LoopInput> {
  const graph = stagedGraph();
  const freezing = createFreezing(graph, job.fine_tune, STEPS);
  return { graph, parameters: initializeParameters(graph, job.seed), freezing, ...more };
}

interface End {
  store: Store;
  events: LoopEvent[];
  outcome: unknown;
}

/** Ends at the end, or after `cut` events without a word, as a killed process does: what was stored by then is all there is. */
async function run(variant: Variant, more: Partial<LoopInput>, store: Store, cut = Infinity): Promise<End> {
  let time = 0;
  // 30 ms a look at the clock: a progress event at every other step, autosaves within epochs.
  const now = () => (time += 30);
  const loop = loopOf(engine, variant.job, { ...inputOf(variant), now, save: store.save, ...more });
  const events: LoopEvent[] = [];
  while (events.length < cut) {
    const next = await loop.next();
    if (next.done === true) return { store, events, outcome: next.value };
    events.push(next.value);
  }
  await loop.return({ status: 'stopped', epochs: 0, steps: 0, best: null });
  return { store, events, outcome: null };
}

function bits(state: TrainState): unknown {
  const { step, parameters, optimizer, ema } = state;
  return { step, parameters, optimizer, ema };
}

function expectSame(found: End, whole: End, what: string): void {
  expect(found.outcome, what).toEqual(whole.outcome);
  expect([...found.store.slots.keys()].sort(), what).toEqual([...whole.store.slots.keys()].sort());
  for (const [slot, expected] of whole.store.slots) {
    const checkpoint = found.store.slots.get(slot);
    const place = `${what}: ${slot}`;
    expect(bits(checkpoint?.state ?? expected.state), place).toEqual(bits(expected.state));
    const { state: _state, ...rest } = expected;
    expect(checkpoint, place).toMatchObject(rest);
  }
  // What is told of validations, too, from where it went on.
  const values = ({ events }: End) =>
    events.flatMap((event) =>
      event.type === 'epoch' ? [[event.step, event.metrics, event.best, event.learningRate]] : [],
    );
  const last = values(found);
  expect(last, what).toEqual(last.length === 0 ? [] : values(whole).slice(-last.length));
}

describe.each(VARIANTS)('a run with $name', (variant) => {
  let whole: End;
  beforeAll(async () => {
    whole = await run(variant, {}, new Store());
  });

  it('does what it is called', () => {
    expect(whole.store.savings).toBeGreaterThan(2);
    variant.shows(whole);
  });

  it('ends with the same bits after stops at random steps, one after another', async () => {
    const random = stream(11, 'stops', variant.name);
    for (let round = 0; round < 4; round++) {
      const store = new Store();
      let from: LoopCheckpoint | undefined;
      const stops: number[] = [];
      for (;;) {
        const steps = 1 + Math.floor(random() * 7);
        stops.push(steps);
        const end = await run(variant, { from, ...stopAfter(steps) }, store);
        from = store.slots.get('last');
        const { status } = end.outcome as { status: string };
        if (status === 'stopped') continue;
        expectSame(end, whole, `stopped after ${stops.join(', ')} steps`);
        break;
      }
    }
  });

  it('ends with the same bits after it was killed at random moments', async () => {
    const random = stream(12, 'kills', variant.name);
    for (let round = 0; round < 4; round++) {
      const store = new Store();
      const cut = 1 + Math.floor(random() * (whole.events.length - 1));
      await run(variant, {}, store, cut);
      const end = await run(variant, { from: store.slots.get('last') }, store);
      expectSame(end, whole, `killed at event ${cut}`);
    }
  });

  it('ends with the same bits after a stop in the middle of each validation', async () => {
    const source = makeSource('val', 16, 8);
    const handle = { current: createControl() };
    const val: BatchSource = {
      ...source,
      async *epoch(epoch, first) {
        for await (const batch of source.epoch(epoch, first)) {
          yield batch;
          if (validations++ === stopIn) handle.current.stop();
        }
      },
    };
    let validations = 0;
    let stopIn = 0;
    const store = new Store();
    for (let stops = 0; ; stops++) {
      handle.current = createControl();
      [validations, stopIn] = [0, stops % 2 === 0 ? 0 : 2];
      const from = store.slots.get('last');
      const end = await run(variant, { from, val, control: handle.current.control }, store);
      if ((end.outcome as { status: string }).status === 'stopped' && stops < 8) continue;
      const finished = (end.outcome as { status: string }).status === 'done';
      const final = finished ? end : await run(variant, { from: store.slots.get('last') }, store);
      expectSame(final, whole, `stopped in ${stops} validations`);
      expect(stops).toBeGreaterThan(2);
      break;
    }
  });

  it('ends with the same bits after pauses and checkpoints on request at random steps', async () => {
    const random = stream(13, 'pauses', variant.name);
    const { control, pause, save, continue: goOn } = createControl();
    const store = new Store();
    const loop = loopOf(engine, variant.job, {
      ...inputOf(variant),
      save: store.save,
      control,
      now: tick(),
      ...variant.more,
    });
    const events: LoopEvent[] = [];
    let paused = 0;
    for (let next = await loop.next(); ; next = await loop.next()) {
      if (next.done === true) {
        const kept = [...store.slots.keys()].filter((slot) => slot.startsWith('saved-'));
        expect(paused).toBeGreaterThan(0);
        expect(kept.length).toBeGreaterThan(0);
        for (const slot of kept) {
          expect(`saved-${store.slots.get(slot)?.state.step}`).toBe(slot);
          store.slots.delete(slot);
        }
        expectSame({ store, events, outcome: next.value }, whole, 'paused');
        break;
      }
      events.push(next.value);
      if (random() < 0.3) pause();
      if (random() < 0.3) save();
      if (next.value.type === 'paused') {
        paused++;
        // What was reached is stored before it is told.
        expect(store.slots.get('last')?.state.step).toBe(next.value.step);
        goOn();
      }
    }
  });
});

function tick(): () => number {
  let time = 0;
  return () => (time += 30);
}

function stopAfter(steps: number): Partial<LoopInput> {
  const source = makeSource('train', 32, 8);
  const { control, stop } = createControl();
  let given = 0;
  const train: BatchSource = {
    ...source,
    async *epoch(epoch, first) {
      for await (const batch of source.epoch(epoch, first)) {
        if (given++ === steps) stop();
        yield batch;
      }
    },
  };
  return { train, control };
}
