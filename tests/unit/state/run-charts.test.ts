// What the charts of a run show, by step and by epoch.
import { expect, test } from 'vitest';
import { rateSeries, throughputSeries } from '$lib/state/run-charts';
import { RunCurves } from '$lib/state/run-curves';
import type { RunEvent } from '$lib/training/events';

type EventOf<Type extends RunEvent['type']> = Extract<RunEvent, { type: Type }>;

const started: EventOf<'started'> = {
  type: 'started',
  runId: 'run',
  device: {
    engine: 'tfjs',
    backend: 'cpu',
    adapter: 'test',
    reason: 'test',
    precision: 'float32',
    alternatives: [],
  },
  epochs: 3,
  stepsPerEpoch: 10,
  parameters: 1,
  images: { train: 100, val: 10, test: 0 },
  fromStep: 0,
};

const progress = (step: number): EventOf<'progress'> => ({
  type: 'progress',
  step,
  epoch: Math.ceil(step / 10),
  stepInEpoch: step % 10,
  loss: 1,
  learningRate: step / 1000,
  imagesPerSecond: 40,
  secondsLeft: 0,
  memoryBytes: 0,
});

const epoch = (number: number): EventOf<'epoch'> => ({
  type: 'epoch',
  epoch: number,
  step: number * 10,
  metrics: { train_loss: 1 },
  learningRate: number / 10,
  seconds: 0.05,
  best: false,
});

function curvesOf(events: readonly RunEvent[]): RunCurves {
  const curves = new RunCurves();
  for (const event of [started, ...events]) curves.take(event);
  return curves;
}

test('moments of a run draw its learning rate and its throughput', () => {
  const curves = curvesOf([progress(5), progress(10), epoch(1), progress(15)]);
  expect(rateSeries(curves)[0]).toMatchObject({ x: [0.5, 1, 1.5], y: [expect.closeTo(0.005), expect.closeTo(0.01), expect.closeTo(0.015)] }); // prettier-ignore
  expect(throughputSeries(curves)[0].y).toEqual([40, 40, 40]);
});

test('a run whose epochs are quicker than its moments is drawn by epoch', () => {
  const curves = curvesOf([progress(5), epoch(1), epoch(2), epoch(3)]);
  expect(rateSeries(curves)[0]).toMatchObject({ x: [1, 2, 3], y: [0.1, 0.2, 0.3] });
  expect(throughputSeries(curves)[0]).toMatchObject({ x: [1, 2, 3], y: [2000, 2000, 2000] });
});
