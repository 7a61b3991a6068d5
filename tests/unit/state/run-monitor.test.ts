// Where time and memory go, from a run's events.
import { expect, test } from 'vitest';
import { RunCurves } from '$lib/state/run-curves';
import { grantText, memorySeries, timingSeries, waitingShare } from '$lib/state/run-monitor';
import type { RunEvent, StepTiming } from '$lib/training/events';

function curvesOf(...events: RunEvent[]): RunCurves {
  const curves = new RunCurves();
  const device = { engine: 'tfjs', backend: 'cpu', adapter: 'a', reason: '', precision: 'float32', alternatives: [] } as const; // prettier-ignore
  const images = { train: 8, val: 2, test: 2 };
  curves.take({
    type: 'started',
    runId: 'r',
    device,
    epochs: 10,
    stepsPerEpoch: 4,
    parameters: 1,
    images,
    fromStep: 0,
  });
  for (const event of events) curves.take(event);
  return curves;
}

const progress = (step: number, timing?: StepTiming): RunEvent => ({
  type: 'progress',
  step,
  epoch: 1,
  stepInEpoch: step,
  loss: 1,
  learningRate: 1,
  imagesPerSecond: 1,
  secondsLeft: 1,
  memoryBytes: 2e6,
  timing,
});

test('the share of waiting is of the time of all steps, and unknown before the first', () => {
  expect(waitingShare(curvesOf(progress(1)))).toBeNull();
  const curves = curvesOf(
    progress(1, { data: 30, upload: 0, compute: 60, read: 10 }),
    progress(2, { data: 10, upload: 0, compute: 90, read: 0 }),
  );
  expect(waitingShare(curves)).toBeCloseTo(0.2, 12);
});

test('bars stand at equal distances, each the mean of its stretch, a gap where nothing was told', () => {
  const steps = [...Array.from({ length: 50 }, (_, row) => row + 1), 97];
  const timed = steps.map((step) => progress(step, { data: 0, upload: 0, compute: step, read: 0 }));
  const [compute] = timingSeries(curvesOf(...timed), 'step');
  expect(compute.label).toBe('computing');
  expect(compute.x).toHaveLength(48);
  const distances = compute.x.slice(1).map((x, row) => x - compute.x[row]);
  for (const distance of distances) expect(distance).toBeCloseTo(2, 9);
  expect(compute.y.slice(0, 2)).toEqual([1.5, 3.5]);
  expect(compute.y.slice(-3)).toEqual([null, null, 97]);
});

test('a single moment is a single bar', () => {
  const [compute, , , data] = timingSeries(curvesOf(progress(3, { data: 2, upload: 0, compute: 5, read: 0 })), 'step');
  expect([compute.x, compute.y, data.y]).toEqual([[3], [5], [2]]);
});

test('memory is drawn with its estimate, and with the grant where that is less', () => {
  const memory = (granted: number | null): RunEvent => ({
    type: 'memory',
    needed: 4e6,
    granted,
    batchSize: 8,
    accumulate: 1,
  });
  const ids = (curves: RunCurves) => memorySeries(curves).map(({ id }) => id);
  expect(ids(curvesOf(progress(1)))).toEqual(['used']);
  expect(ids(curvesOf(memory(4e6), progress(1)))).toEqual(['used', 'estimate']);
  const short = curvesOf(memory(3e6), progress(1), {
    type: 'adapted',
    step: 0,
    accumulate: 2,
    reason: 'It does not fit.',
  });
  expect(memorySeries(short)).toMatchObject([{ y: [2e6] }, { y: [4e6] }, { id: 'granted', y: [3e6] }]);
  expect(grantText(short)).toBe(
    'About 4.0 MB were estimated; the device grants 3.0 MB. Each batch is computed in 2 parts.',
  );
  expect(grantText(curvesOf(memory(4e6)))).toBe('The device granted the estimated 4.0 MB.');
});
