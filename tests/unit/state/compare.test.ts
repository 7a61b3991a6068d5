// What differs between runs, and how long one will take.
import { expect, test } from 'vitest';
import { defaultJob } from '$lib/job/parse';
import { jobFields } from '$lib/job/schema';
import { MODELS } from '$lib/models/registry';
import { compareJobs, overlaySeries } from '$lib/state/compare';
import { estimateSeconds, referencesFor, throughput } from '$lib/state/estimate';
import { RunCurves } from '$lib/state/run-curves';
import type { RunRecord } from '$lib/storage/records';
import { TASKS } from '$lib/tasks/catalog';

const catalog = { models: MODELS, tasks: TASKS };
const tiny = defaultJob(catalog, undefined, 'tiny-cnn');

function rows(...jobs: (typeof tiny)[]) {
  return compareJobs(jobs, (job) => {
    const entry = MODELS.find(({ meta }) => meta.id === job.model.name) ?? MODELS[0];
    return jobFields(catalog, TASKS[0], entry);
  });
}

test('equal jobs differ in nothing', () => {
  expect(rows(tiny, structuredClone(tiny)).filter(({ differs }) => differs)).toEqual([]);
});

test('a changed setting is marked, named as the form names it, and nothing else is', () => {
  const other = { ...tiny, optimizer: { ...tiny.optimizer, weight_decay: 0.1 } };
  const differing = rows(tiny, other).filter(({ differs }) => differs);
  expect(differing).toEqual([
    { path: 'optimizer.weight_decay', title: 'Optimiser: weight decay', values: ['0.05', '0.1'], differs: true },
  ]);
});

test('a setting that only one model has is empty for the other', () => {
  const resnet = defaultJob(catalog, undefined, 'resnet18');
  const width = rows(tiny, resnet).find(({ path }) => path === 'model.config.width');
  expect(width).toMatchObject({ values: ['1', ''], differs: true });
});

function curvesAt(rate: number): RunCurves {
  const curves = new RunCurves();
  for (const [index, imagesPerSecond] of [1, rate, rate, rate, 2000].entries()) {
    const at = { step: index + 1, epoch: 1, stepInEpoch: index + 1 };
    curves.take({
      type: 'progress',
      ...at,
      loss: 1,
      learningRate: 1,
      imagesPerSecond,
      secondsLeft: 0,
      memoryBytes: 0,
    });
  }
  return curves;
}

// Only these fields are looked at.
const run = (name: string, model: string, createdAt: number) =>
  ({ id: name, name, createdAt, job: { ...tiny, model: { name: model, config: {} } } }) as unknown as RunRecord;

test('a run of the same model is the better judge, and one without reports is none', () => {
  const references = [
    { run: run('other', 'resnet18', 3), curves: curvesAt(10) },
    { run: run('old', 'tiny-cnn', 1), curves: curvesAt(100) },
    { run: run('new', 'tiny-cnn', 2), curves: curvesAt(200) },
    { run: run('empty', 'tiny-cnn', 4), curves: new RunCurves() },
  ];
  expect(referencesFor('tiny-cnn', references).map(({ run: { name } }) => name)).toEqual(['new', 'old', 'other']);
});

test('the estimate is images over the usual rate, scaled by the work of an image', () => {
  const reference = { run: run('r', 'tiny-cnn', 1), curves: curvesAt(100) };
  expect(throughput(reference.curves)).toBe(100);
  const planned = { model: 'tiny-cnn', epochs: 10, images: { train: 1000, val: 300 }, flops: 2e6 };
  // (1000 + 300 / 3) images x 10 epochs / 100 a second, twice the work.
  expect(estimateSeconds(planned, reference, 1e6)).toBeCloseTo(220, 9);
});

test('curves of runs are laid over one another, runs without the metric left out', () => {
  const curves = new RunCurves();
  curves.take({
    type: 'epoch',
    epoch: 1,
    step: 4,
    metrics: { val_accuracy: 0.5 },
    learningRate: 1,
    seconds: 1,
    best: true,
  });
  const base = { job: tiny, color: 'red' };
  const series = overlaySeries(
    [
      { ...base, id: 'a', name: 'A', curves },
      { ...base, id: 'b', name: 'B', curves: undefined },
    ],
    (known) => known.metric('val_accuracy', 'step'),
    100,
  );
  expect(series).toMatchObject([{ id: 'a', label: 'A', x: [4], y: [50] }]);
});
