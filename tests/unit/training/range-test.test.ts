import { describe, expect, it } from 'vitest';
import type { LazyScalar, TrainStep } from '$lib/engines/contract';
import { initializeParameters } from '$lib/graph/initialize';
import { createLoss } from '$lib/tasks/losses';
import { NOTHING_FROZEN } from '$lib/training/freezing';
import { optimizerOf } from '$lib/training/optimizer';
import { rangeTest, rateAt, steepest } from '$lib/training/range-test';
import type { SourceBatch } from '$lib/training/source';
import { cpuEngine, makeJob, makeSource, smallGraph } from './support';

async function* endless(): AsyncGenerator<SourceBatch> {
  const source = makeSource('train', 32, 8);
  for (let epoch = 0; ; epoch++) yield* source.epoch(epoch);
}

/** A step whose loss is a function of the rate. */
function stepOf(lossAt: (rate: number, index: number) => number): { step: Pick<TrainStep, 'run'>; open: () => number } {
  let open = 0;
  let index = 0;
  const run = (_batch: unknown, rate: number): { loss: LazyScalar; norms: null } => {
    open++;
    const value = lossAt(rate, index++);
    const end = (): void => void open--;
    const read = (): Promise<number> => {
      end();
      return Promise.resolve(value);
    };
    return { loss: { read, dispose: end }, norms: null };
  };
  return { step: { run }, open: () => open };
}

describe('the range test', () => {
  it('goes from the lowest to the highest rate in equal factors', () => {
    expect(rateAt(0, 100)).toBe(1e-6);
    expect(rateAt(99, 100)).toBeCloseTo(10, 10);
    expect(rateAt(50, 100) / rateAt(49, 100)).toBeCloseTo(rateAt(9, 100) / rateAt(8, 100), 10);
  });

  it('suggests a rate where the smoothed loss falls, before it explodes', async () => {
    // Falls most steeply at 1e-2, explodes at 1.
    const { step, open } = stepOf((rate) => 2 - 1 / (1 + 1e-2 / rate) + (rate > 1 ? rate ** 4 : 0));
    const { points, suggestion, diverged } = await rangeTest(step, endless(), { steps: 200 });
    // The mean lags behind: within a decade above.
    expect(suggestion).toBeGreaterThan(1e-3);
    expect(suggestion).toBeLessThan(1e-1);
    expect(diverged).toBeGreaterThan(1);
    expect(points.length).toBeLessThan(200);
    expect(open()).toBe(0);
  });

  it('ends at a loss that is no number, and suggests nothing where it never falls', async () => {
    const { step, open } = stepOf((_rate, index) => (index === 30 ? NaN : 1 + index / 100));
    const { points, suggestion, diverged } = await rangeTest(step, endless(), { steps: 100 });
    expect(points).toHaveLength(30);
    expect(diverged).toBeCloseTo(rateAt(30, 100), 12);
    expect(suggestion).toBeNull();
    expect(open()).toBe(0);
  });

  it('smooths as a mean that forgets, without the bias of its beginning', async () => {
    const losses = [3, 1, 2];
    const { step } = stepOf((_rate, index) => losses[index]);
    const { points } = await rangeTest(step, endless(), { steps: 3 });
    const weights = [0.98 ** 2, 0.98, 1];
    const mean = losses.reduce((sum, loss, index) => sum + loss * weights[index], 0) / (0.98 ** 2 + 0.98 + 1);
    expect(points[0].smooth).toBeCloseTo(3, 10);
    expect(points[2].smooth).toBeCloseTo(mean, 10);
  });

  it('leaves out what comes before the tenth and behind the minimum', () => {
    const smooths = [9, 0.5, 5, 4.9, 4.5, 4, 3.9, 3.8, 3.7, 3.6, 3.5, 8, 2, 1, 0.9, 1, 1, 1, 1, 1];
    const points = smooths.map((smooth, index) => ({ rate: 10 ** index, smooth }));
    expect(steepest(points)).toBe(10 ** 12);
  });

  it('finds a rate for a real net that learns with it', async () => {
    const engine = await cpuEngine();
    const job = makeJob({ optimizer: { name: 'sgd' } });
    const graph = smallGraph();
    const loss = createLoss(job.task, job.loss, { classes: 2, train: [] });
    const step = engine.compile(graph, initializeParameters(graph, 0), optimizerOf(job, loss, NOTHING_FROZEN.at(0)));
    const seen: number[] = [];
    const onPoint = (_: unknown, done: number): void => void seen.push(done);
    const { points, suggestion } = await rangeTest(step, endless(), { steps: 60, onPoint });
    step.dispose();
    expect(seen).toEqual(points.map((_, index) => index + 1));
    expect(suggestion).toBeGreaterThan(1e-4);
    expect(suggestion).toBeLessThan(10);
  });
});
