// A run that was cut off once, for what other programs are given of it.
import { parseJob } from '$lib/job/parse';
import { SAMPLE_JOB } from '$lib/job/sample';
import { MODELS } from '$lib/models/registry';
import type { RunEventRecord, RunRecord } from '$lib/storage/records';
import { TASKS } from '$lib/tasks/catalog';
import type { RunEvent } from '$lib/training/events';

export const STARTED = 1_790_000_000_500;
const DEVICE = { backend: 'wasm', adapter: '2 threads' } as unknown as NonNullable<RunRecord['device']>;

export function runToExport(): RunRecord {
  return {
    id: '01234567-89ab-4cde-8f01-23456789abcd',
    projectId: 'a-project',
    versionId: 'v',
    name: 'tiny-cnn 1: "first"',
    job: parseJob(SAMPLE_JOB, { models: MODELS, tasks: TASKS }).job,
    classes: ['a', 'b'],
    status: 'done',
    createdAt: STARTED - 100,
    startedAt: STARTED,
    endedAt: STARTED + 9000,
    device: DEVICE,
    epochsDone: 2,
    stepsDone: 20,
    best: { metric: 'val_accuracy', value: 0.75, epoch: 2 },
    error: null,
    preprocess: { imageSize: [32, 32], resize: 'stretch', interpolation: 'bilinear', mean: [0, 0, 0], std: [1, 1, 1] },
  };
}

const progress = (step: number, loss: number): RunEvent => ({
  type: 'progress',
  step,
  epoch: 1,
  stepInEpoch: step,
  loss,
  learningRate: 0.01,
  imagesPerSecond: 100,
  secondsLeft: 1,
  memoryBytes: 2 ** 30,
  timing: { data: 1.5, upload: 0, compute: 8, read: 0 },
});
const started = (fromStep: number): RunEvent => ({
  type: 'started',
  runId: '01234567-89ab-4cde-8f01-23456789abcd',
  device: DEVICE,
  epochs: 2,
  stepsPerEpoch: 10,
  parameters: 5,
  images: { train: 10, val: 5, test: 5 },
  fromStep,
});
const epoch = (number: number, accuracy: number): RunEvent => ({
  type: 'epoch',
  epoch: number,
  step: number * 10,
  metrics: { train_loss: 1 / number, val_accuracy: accuracy },
  learningRate: 0.01,
  seconds: 1,
  best: true,
});

/** Steps 11 to 15 were done twice: the first time (loss 9) was lost with the tab. */
export function eventsToExport(): RunEventRecord[] {
  const events: RunEvent[] = [
    started(0),
    progress(5, 1.25),
    epoch(1, 0.5),
    progress(15, 9),
    started(10),
    progress(15, 0.5),
    { type: 'norms', step: 15, epoch: 2, layers: [{ name: 'fc.weight', weight: 3, gradient: 0.5, update: 0.25 }] },
    progress(18, Number.NaN),
    epoch(2, 0.75),
    {
      type: 'evaluated',
      split: 'test',
      checkpoint: 'best',
      evaluationId: 'e',
      result: { count: 5, metrics: { accuracy: 0.8 }, classes: ['a', 'b'], per_class: [], baseline: null } as never, // Only its metrics are read.
    },
  ];
  return events.map((event, sequence) => ({ runId: 'r', sequence, time: STARTED + sequence * 1000, event }));
}

/** What a reader must find: name, step, value. */
export const EXPECTED: readonly (readonly [
  name: string,
  points: readonly (readonly [step: number, value: number])[],
])[] = [
  [
    'train/loss_by_step',
    [
      [5, 1.25],
      [15, 0.5],
      [18, Number.NaN],
    ],
  ],
  [
    'learning_rate',
    [
      [5, 0.01],
      [15, 0.01],
      [18, 0.01],
    ],
  ],
  [
    'train/loss',
    [
      [10, 1],
      [20, 0.5],
    ],
  ],
  [
    'val/accuracy',
    [
      [10, 0.5],
      [20, 0.75],
    ],
  ],
  [
    'epoch',
    [
      [10, 1],
      [20, 2],
    ],
  ],
  ['norms/gradient/fc.weight', [[15, 0.5]]],
  ['norms/update/fc.weight', [[15, 0.25]]],
  [
    'system/memory_bytes',
    [
      [5, 2 ** 30],
      [15, 2 ** 30],
      [18, 2 ** 30],
    ],
  ],
  ['test/final_accuracy', [[20, 0.8]]],
];
