// What the charts of a run show, by step and by epoch.
import { expect, test } from 'vitest';
import { formatAt, lossSeries, rateSeries, runMarks, throughputSeries } from '$lib/state/run-charts';
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

test('checkpoints that are still there are marked, each at its newest place, and the best epoch', () => {
  const kept = (kind: 'best' | 'last' | 'saved', step: number, slot?: string): RunEvent => ({
    type: 'checkpoint',
    kind,
    slot,
    epoch: Math.ceil(step / 10),
    step,
  });
  const curves = curvesOf([
    kept('last', 10),
    { ...epoch(1), best: true },
    kept('saved', 15, 'saved-15'),
    kept('last', 20),
  ]);
  expect(runMarks(curves, 'epoch', ['last', 'saved-15', 'best'])).toEqual([
    { x: 2, label: 'last', small: true },
    { x: 1.5, label: 'saved-15', small: true },
    { x: 1, label: 'best 1', strong: true },
  ]);
  expect(runMarks(curves, 'step', ['last']).map(({ x }) => x)).toEqual([20, 10]);
});

test('smoothed curves are drawn of every moment, not of the means of epochs', () => {
  const curves = curvesOf([progress(5), progress(10), epoch(1)]);
  expect(lossSeries(curves).map(({ id }) => id)).toEqual(['moments', 'train']);
  expect(lossSeries(curves, 'step', true)).toMatchObject([{ id: 'steps', x: [5, 10] }]);
});

test('places on the axes read as people write them', () => {
  expect(formatAt('epoch', 2.5)).toBe('2.5');
  expect(formatAt('step', 12_345.2)).toBe('12,345');
  expect([5, 65, 3_665].map((seconds) => formatAt('seconds', seconds))).toEqual(['0:05', '1:05', '1:01:05']);
});
