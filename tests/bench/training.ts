// What each option costs a training step of tiny-cnn (32 x 32, batch 64) on WASM with one thread: ratios, all taken in turn in one run.
// Run: npx vitest run --config tests/bench/training.config.ts

import { test } from 'vitest';
import type {
  Batch,
  Engine,
  OptimizerSpecification,
  StepOptions,
  StepSpecification,
  TrainStep,
} from '$lib/engines/contract';
import { initializeParameters } from '$lib/graph/initialize';
import { withNormalization } from '$lib/graph/passes';
import { buildModel } from '$lib/models/build';
import { createMixer } from '$lib/pipeline/mix';
import { createLoss } from '$lib/tasks/losses';
import { nodeEngine } from '../contract/node-engine';
import { fixedBatch } from '../contract/training';

const [SIZE, BATCH, CLASSES] = [32, 64, 10];
/** Each variant once per round, in another order each time. */
const ROUNDS = 40;
const SAVE_EVERY = 10;

interface Variant {
  name: string;
  specification?: Partial<StepSpecification>;
  options?: StepOptions;
  /** What the loop does to a batch before the step. */
  prepare?: (batch: Batch, step: number) => Batch;
  /** What the loop does after the step. */
  after?: (step: TrainStep, index: number) => Promise<unknown>;
}

const adam = { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.05 } as const;
const rule = (optimizer: OptimizerSpecification): Partial<StepSpecification> => ({ optimizer });

function mixing(mix: { mixup: number; cutmix: number }): Variant['prepare'] {
  const mixer = createMixer({ ...mix, probability: 1 }, 1);
  return (batch, step) =>
    mixer === null ? batch : { ...batch, ...mixer(batch.images, batch.shape, batch.targets, 0, step) };
}

const VARIANTS: readonly Variant[] = [
  { name: 'AdamW, nothing else' },
  // The same once more: what differs here is the machine.
  { name: 'the same again' },
  { name: 'Adam with AMSGrad', specification: rule({ name: 'adam', ...adam, amsgrad: true }) },
  { name: 'SGD with momentum', specification: rule({ name: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 0 }) },
  {
    name: 'RMSprop',
    specification: rule({ name: 'rmsprop', alpha: 0.99, epsilon: 1e-8, momentum: 0.9, weightDecay: 0 }),
  },
  { name: 'EMA', specification: { ema: { decay: 0.999, warmup: true } } },
  { name: 'clipping by norm', specification: { clipNorm: 1 } },
  { name: 'clipping by value', specification: { clipValue: 0.1 } },
  { name: 'accumulation in 2 parts', specification: { accumulate: 2 } },
  { name: 'accumulation in 4 parts', specification: { accumulate: 4 } },
  { name: 'norms of gradients, every step', options: { norms: 'gradient' } },
  { name: 'norms of all kinds, every step', options: { norms: 'all' } },
  { name: 'mixup', prepare: mixing({ mixup: 0.2, cutmix: 0 }) },
  { name: 'CutMix', prepare: mixing({ mixup: 0, cutmix: 1 }) },
  {
    name: `a copy of the state every ${SAVE_EVERY} steps`,
    after: async (step, index) => (index % SAVE_EVERY === 0 ? step.state() : null),
  },
];

async function compileAll(engine: Engine): Promise<{ batch: Batch; steps: TrainStep[] }> {
  const built = await buildModel('tiny-cnn', { config: {}, imageSize: [SIZE, SIZE], classes: CLASSES });
  const graph = withNormalization(built, [0.5, 0.5, 0.5], [0.25, 0.25, 0.25]);
  const steps = VARIANTS.map(({ specification }) =>
    engine.compile(graph, initializeParameters(graph, 1), {
      optimizer: { name: 'adamw', ...adam },
      loss: createLoss('classification', { name: 'cross_entropy' }, { classes: CLASSES, train: [] }),
      decayAll: false,
      clipNorm: 0,
      seed: 1,
      ...specification,
    }),
  );
  return { batch: fixedBatch(graph, BATCH), steps };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

test('what each option costs a step', { timeout: 1_200_000 }, async () => {
  const { batch, steps } = await compileAll(await nodeEngine('wasm'));
  const times: number[][] = VARIANTS.map(() => []);
  const take = async (which: number, index: number): Promise<number> => {
    const { options, prepare, after } = VARIANTS[which];
    // The processor's time: on a machine that others use too it says more than the clock's.
    const before = process.cpuUsage();
    const { loss, norms } = steps[which].run(prepare?.(batch, index) ?? batch, 1e-3, options);
    await loss.read();
    await norms?.read();
    await after?.(steps[which], index);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
  for (let round = -3; round < ROUNDS; round++) {
    for (let turn = 0; turn < VARIANTS.length; turn++) {
      const which = (turn * 7 + round + VARIANTS.length) % VARIANTS.length;
      const time = await take(which, round + 3);
      if (round >= 0) times[which].push(time);
    }
  }
  const base = times[0];
  const rows = VARIANTS.map(({ name }, which) => {
    // Saving is now and then: of that the mean. Of the rest the median, which an interruption does not move.
    const typical = VARIANTS[which].after === undefined ? median : (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length; // prettier-ignore
    const milliseconds = typical(times[which]);
    const ratio = milliseconds / typical(base);
    return `${name.padEnd(36)}${milliseconds.toFixed(1).padStart(8)} ms${(1000 / milliseconds).toFixed(2).padStart(8)} steps/s${ratio.toFixed(3).padStart(8)}`;
  });
  console.log([`tiny-cnn, ${SIZE} x ${SIZE}, batch ${BATCH}, WASM with one thread, ${ROUNDS} rounds; processor time`, ...rows].join('\n')); // prettier-ignore
  for (const step of steps) step.dispose();
});
