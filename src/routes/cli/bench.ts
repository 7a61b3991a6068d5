// `trainyard bench`: step time by backend, images a second of the pipeline, import rate. One row for each.

import { serializeError } from '$lib/core/errors';
import { connect, type Clients } from '$lib/rpc/client';
import type { BackendName } from '$lib/engines/contract';
import type { BenchApi } from '$lib/rpc/protocol';
import { tell } from './output';

export interface BenchRow {
  what: string;
  value: number | null;
  unit: string;
  /** Device, number of threads, or why there is no value. */
  note: string;
}

/** tiny-cnn at 32 pixels. The CPU backend and software WebGPU take seconds for a step: fewer images, fewer steps. */
const STEPS: readonly { device: BackendName; steps: number; batchSize: number }[] = [
  { device: 'wasm', steps: 20, batchSize: 64 },
  { device: 'wasm', steps: 20, batchSize: 16 },
  { device: 'webgpu', steps: 2, batchSize: 16 },
  { device: 'cpu', steps: 2, batchSize: 16 },
];
const PIPELINE = [
  { images: 2_000, sourceSize: 32, imageSize: 32 },
  { images: 256, sourceSize: 500, imageSize: 224 },
  { images: 256, sourceSize: 500, imageSize: 224, policy: 'randaugment' },
] as const;
const IMPORT = { images: 10_000, size: 64, classes: 10 };

export async function bench(clients: Clients): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const { device, steps, batchSize } of STEPS) {
    // A worker each: tfjs keeps one backend at a time.
    const worker = benchWorker();
    const what = `training step, tiny-cnn 32 x 32, batch ${batchSize}, ${device}`;
    tell('notice', { type: 'notice', message: `measuring: ${what}` });
    try {
      const timed = await worker.api.steps({ device, model: 'tiny-cnn', imageSize: 32, batchSize, steps });
      rows.push({ what, value: timed.medianMs, unit: 'ms', note: timed.device.adapter });
    } catch (error) {
      rows.push({ what, value: null, unit: 'ms', note: serializeError(error).message });
    } finally {
      worker.terminate();
    }
  }
  const worker = benchWorker();
  try {
    for (const request of PIPELINE) {
      const { firstPerSecond, cachedPerSecond, threads } = await worker.api.pipeline(request);
      const what = `pipeline, ${request.sourceSize} px JPEG to ${request.imageSize} px`;
      const kind = 'policy' in request ? 'flips, RandAugment' : 'augmented';
      const note = `${threads} decode ${threads === 1 ? 'thread' : 'threads'}, ${kind}`;
      rows.push({ what: `${what}, first epoch`, value: firstPerSecond, unit: 'images/s', note });
      rows.push({ what: `${what}, from the cache`, value: cachedPerSecond, unit: 'images/s', note });
    }
    tell('notice', { type: 'notice', message: `importing ${IMPORT.images} images` });
    const file = new File([await worker.api.archive(IMPORT)], 'bench.zip');
    const summary = await clients.data.api.import(
      {
        taskId: crypto.randomUUID(),
        projectId: null,
        projectName: 'Benchmark',
        source: { kind: 'files', name: 'bench.zip', files: [{ path: 'bench.zip', file }] },
        split: { source: 'fractions', val: 0.15, test: 0.15, stratified: true, seed: 0 },
      },
      () => undefined,
    );
    const note = `zip of ${IMPORT.images} JPEGs of ${IMPORT.size} px`;
    rows.push({ what: 'import', value: summary.images / summary.seconds, unit: 'images/s', note });
  } finally {
    worker.terminate();
  }
  return rows;
}

function benchWorker() {
  return connect<BenchApi>({
    title: 'The benchmark worker',
    start: () => new Worker(new URL('../../../workers/bench.ts', import.meta.url), { type: 'module', name: 'bench' }),
  });
}
