// Curves from events: bounded however long the run, and right across a resume.
import { expect, test } from 'vitest';
import { RunCurves } from '$lib/state/run-curves';
import { taskMeta } from '$lib/state/metrics';
import { logLine } from '$lib/state/run-log';
import { StepColumns } from '$lib/state/step-columns';
import type { RunEvent } from '$lib/training/events';

const STARTED: Extract<RunEvent, { type: 'started' }> = {
  type: 'started',
  runId: 'r',
  device: { engine: 'tfjs', backend: 'cpu', adapter: 'a', reason: '', precision: 'float32', alternatives: [] },
  epochs: 10,
  stepsPerEpoch: 4,
  parameters: 1,
  images: { train: 8, val: 2, test: 2 },
  fromStep: 0,
};

function progress(step: number): RunEvent {
  return {
    type: 'progress',
    step,
    epoch: Math.ceil(step / 4),
    stepInEpoch: step % 4,
    loss: 1 / step,
    learningRate: 0.1,
    imagesPerSecond: 100,
    secondsLeft: 1,
    memoryBytes: 1,
  };
}

function epoch(
  number: number,
  accuracy: number,
  best = false,
  metrics: Record<string, number> = { train_loss: 1, val_accuracy: accuracy },
): RunEvent {
  return { type: 'epoch', epoch: number, step: number * 4, metrics, learningRate: 0.1, seconds: 1, best };
}

test('a hundred thousand rows are kept in two thousand, without losing the mean or the ends', () => {
  const columns = new StepColumns({ step: 'last', loss: 'mean' });
  for (let step = 1; step <= 100_000; step++) columns.add({ step, loss: step });
  expect(columns.length).toBeLessThanOrEqual(2_048);
  expect(columns.length).toBeGreaterThan(1_000);
  expect(columns.last('step')).toBe(100_000);
  const steps = columns.values('step');
  expect(steps).toEqual(steps.toSorted((a, b) => a - b));
  // The first row stands for all rows up to its step, so its loss is their mean.
  expect(columns.values('loss')[0]).toBeCloseTo((1 + steps[0]) / 2, 6);
});

test('what comes after a resume is not averaged with what came before, even where rows are merged', () => {
  const columns = new StepColumns({ step: 'last', loss: 'mean' });
  for (let step = 1; step <= 10_001; step++) columns.add({ step, loss: 0 });
  columns.forgetAfter('step', 5_000);
  expect(columns.last('step')).toBeLessThanOrEqual(5_000);
  columns.add({ step: 5_001, loss: 7 });
  expect(columns.last('loss')).toBe(7);
});

test('fractional epochs come from the steps of an epoch', () => {
  const curves = new RunCurves();
  curves.take(STARTED);
  curves.take(progress(2));
  curves.take(progress(6));
  expect(curves.steps.values('epoch')).toEqual([0.5, 1.5]);
});

test('a resume takes back what came after its checkpoint, and the log keeps it', () => {
  const curves = new RunCurves();
  curves.take(STARTED);
  for (const step of [1, 2, 3, 4]) curves.take(progress(step));
  curves.take(epoch(1, 0.5, true));
  for (const step of [5, 6, 7, 8]) curves.take(progress(step));
  curves.take(epoch(2, 0.6, true));
  curves.take({ ...STARTED, fromStep: 4 });
  expect(curves.steps.values('step')).toEqual([1, 2, 3, 4]);
  expect(curves.metric('val_accuracy')).toEqual({ x: [1], y: [0.5] });
  expect(curves.resumes).toEqual([4]);
  expect(curves.log.map(({ event }) => event.type)).toEqual(['started', 'epoch', 'epoch', 'started']);
});

test('a metric that was not told in every epoch keeps its own epochs', () => {
  const curves = new RunCurves();
  curves.take(STARTED);
  curves.take(epoch(1, 0, false, { train_loss: 2 }));
  curves.take(epoch(2, 0.7));
  expect(curves.metric('val_accuracy')).toEqual({ x: [2], y: [0.7] });
  expect(curves.metricNames()).toEqual(['train_loss', 'val_accuracy']);
});

test('features are one line of the log once all are there, which says what an earlier run had stored', () => {
  const task = taskMeta('classification');
  const linesOf = (cached: number): string[] => {
    const curves = new RunCurves();
    for (const done of [cached, 48, 48]) curves.take({ type: 'features', done, total: 48, cached });
    return curves.log.map((entry) => logLine(task, entry).text);
  };
  expect(linesOf(0)).toEqual(['Features of 48 images are ready.']);
  expect(linesOf(12)).toEqual(['Features of 48 images are ready. 12 were stored by an earlier run.']);
  expect(linesOf(48)).toEqual(['Features of 48 images are ready. All of them were stored by an earlier run.']);
});

const validation = (step: number, accuracy: number, best: boolean): RunEvent => ({
  type: 'epoch',
  epoch: Math.ceil(step / 4),
  step,
  metrics: { val_accuracy: accuracy },
  learningRate: 0.1,
  seconds: 1,
  best,
  within: true,
});

test('a validation between two epochs has its place between them and is no epoch of its own', () => {
  const curves = new RunCurves();
  curves.take(STARTED);
  curves.take(epoch(1, 0.5, true));
  curves.take(validation(6, 0.7, true));
  curves.take(epoch(2, 0.6));
  expect(curves.metric('val_accuracy')).toEqual({ x: [1, 1.5, 2], y: [0.5, 0.7, 0.6] });
  expect(curves.metric('val_accuracy', 'step').x).toEqual([4, 6, 8]);
  expect(curves.epochs.map(({ epoch }) => epoch)).toEqual([1, 2]);
  expect(curves.best()?.at.epoch).toBe(1.5);
});

test('the axis of time counts training alone: no pause, no closed tab, nothing between two sittings', () => {
  const curves = new RunCurves();
  const at = (seconds: number, event: RunEvent) => curves.take(event, 1e12 + seconds * 1000);
  at(0, STARTED);
  at(10, progress(2));
  at(12, { type: 'paused', step: 2 });
  expect(curves.paused).toBe(2);
  at(100, { type: 'continued', step: 2, seconds: 88 });
  expect(curves.paused).toBeNull();
  at(105, progress(4));
  at(405, { type: 'away', seconds: 295, reason: 'frozen' });
  at(410, progress(6));
  at(5000, { ...STARTED, fromStep: 4 });
  at(5003, progress(5));
  expect(curves.steps.values('seconds')).toEqual([10, 17, 20]);
});

test('norms are kept by layer, a ratio to no weight at all is a gap, and a resume takes them back', () => {
  const curves = new RunCurves();
  curves.take(STARTED);
  const norms = (step: number, update: number, weight = 10): RunEvent => ({
    type: 'norms',
    step,
    epoch: 1,
    layers: [
      { name: 'conv.weight', weight, gradient: 3, update },
      { name: 'fc.bias', weight: 0, gradient: 5, update },
    ],
  });
  curves.take(norms(2, 0.1));
  curves.take(norms(4, 0.2));
  curves.take(norms(6, 0.3));
  expect(curves.norms.curve('conv.weight', 'ratio', 'step')).toEqual({ x: [2, 4, 6], y: [0.01, 0.02, 0.03] });
  expect(curves.norms.curve('fc.bias', 'ratio').y).toEqual([null, null, null]);
  expect(curves.norms.newest('gradient').map(({ name }) => name)).toEqual(['fc.bias', 'conv.weight']);
  curves.take({ ...STARTED, fromStep: 4 });
  expect(curves.norms.curve('conv.weight', 'weight', 'step').x).toEqual([2, 4]);
  expect(curves.log.every(({ event }) => event.type === 'started')).toBe(true);
});

test('the share of each part of a step is kept where it is told', () => {
  const curves = new RunCurves();
  curves.take(STARTED);
  curves.take(progress(2));
  const told = progress(4);
  if (told.type === 'progress') curves.take({ ...told, timing: { data: 1, upload: 2, compute: 30, read: 4 } });
  expect(curves.timing.values('step')).toEqual([4]);
  expect(curves.timing.values('compute')).toEqual([30]);
});
