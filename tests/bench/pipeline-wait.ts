// The share of a training step's time in which the device waits for data: tiny-cnn at 64 x 64 from JPEGs on WASM, with the real workers,
// by augmentation. Run: npx vitest run --config tests/bench/pipeline.config.ts tests/bench/pipeline-wait.ts
import { expect, test } from 'vitest';
import { connect, createClients } from '$lib/rpc/client';
import type { BenchApi } from '$lib/rpc/protocol';
import { parseJob } from '$lib/job/parse';
import { summarizeData } from '$lib/job/resolve';
import { MODELS } from '$lib/models/registry';
import { openDatabase } from '$lib/storage/database';
import { getVersion } from '$lib/storage/datasets';
import { deleteProject } from '$lib/storage/projects';
import { TASKS } from '$lib/tasks/catalog';
import type { StepTiming } from '$lib/training/events';

const IMAGES = 640;
/** The goal. */
const MAX_SHARE = 0.05;

const AUGMENTATIONS: Readonly<Record<string, object>> = {
  none: { horizontal_flip: 0, shift: 0 },
  RandAugment: { policy: { name: 'randaugment', operations: 2, magnitude: 9 } },
  'geometric, colours, JPEG': {
    ...{ rotation: 15, scale: [0.8, 1.2], perspective: 0.3, jpeg: { probability: 0.5 } },
    color_jitter: { brightness: 0.3, contrast: 0.3, saturation: 0.3, hue: 0.05 },
  },
};

test('waiting for data', async () => {
  const bench = connect<BenchApi>({
    title: 'The benchmark worker',
    start: () => new Worker(new URL('../../workers/bench.ts', import.meta.url), { type: 'module', name: 'bench' }),
  });
  const clients = createClients();
  const database = await openDatabase();
  const file = new File([await bench.api.archive({ images: IMAGES, size: 256, classes: 10 })], 'bench.zip');
  bench.terminate();
  const summary = await clients.data.api.import(
    {
      taskId: 'import',
      projectId: null,
      projectName: 'Benchmark',
      source: { kind: 'files', name: 'bench.zip', files: [{ path: 'bench.zip', file }] },
      split: { source: 'fractions', val: 0, test: 0, stratified: true, seed: 0 },
      thumbnails: false,
    },
    () => undefined,
  );
  const version = await getVersion(database, summary.versionId);
  const lines: string[] = [];
  const shares: number[] = [];
  for (const [name, augment] of Object.entries(AUGMENTATIONS)) {
    const document = {
      model: { name: 'tiny-cnn' },
      training: { epochs: 3, batch_size: 32 },
      preprocess: { image_size: 64 },
      checkpoints: { autosave_seconds: 3600 },
      engine: { device: 'wasm' },
      augment,
    };
    const { job } = parseJob(document, { models: MODELS, tasks: TASKS, data: summarizeData(version) });
    const spent: (StepTiming & { epoch: number; steps: number })[] = [];
    let last = 0;
    const run = await clients.train.api.train(
      { projectId: summary.projectId, versionId: summary.versionId, job, name },
      (event) => {
        if (event.type !== 'progress' || event.timing === undefined) return;
        spent.push({ ...event.timing, epoch: event.epoch, steps: event.step - last });
        last = event.step;
      },
    );
    expect(run.status).toBe('done');
    const share = (of: typeof spent) => {
      const total = (kind: keyof StepTiming) => of.reduce((sum, timing) => sum + timing[kind] * timing.steps, 0);
      return total('data') / (total('data') + total('upload') + total('compute') + total('read'));
    };
    // The first epoch decodes, and its first step compiles.
    const [first, later] = [
      share(spent.filter(({ epoch }) => epoch === 1)),
      share(spent.filter(({ epoch }) => epoch > 1)),
    ];
    const step = spent.reduce((sum, { compute, steps }) => sum + compute * steps, 0) / last;
    shares.push(later);
    const percent = (value: number) => `${(value * 100).toFixed(1)} %`;
    lines.push(
      `  ${name.padEnd(26)} first epoch ${percent(first)}, later ${percent(later)} (step ${step.toFixed(0)} ms)`,
    );
  }
  console.log(['share of the time spent waiting for data', ...lines].join('\n'));
  await deleteProject(database, summary.projectId);
  for (const client of Object.values(clients)) client.terminate();
  database.close();
  expect(Math.max(...shares)).toBeLessThan(MAX_SHARE);
});
