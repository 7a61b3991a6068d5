import { describe, expect, it } from 'vitest';
import { TrainyardError } from '$lib/core/errors';
import type { Batch, TrainStep } from '$lib/engines/contract';
import { initializeParameters } from '$lib/graph/initialize';
import { createLoss } from '$lib/tasks/losses';
import { searchBatchSizes, suggest, tiled, type Trial } from '$lib/training/batch-sizes';
import { NOTHING_FROZEN } from '$lib/training/freezing';
import { optimizerOf } from '$lib/training/optimizer';
import type { SourceBatch } from '$lib/training/source';
import { cpuEngine, makeJob, makeSource, smallGraph } from './support';

async function someBatches(count: number): Promise<SourceBatch[]> {
  const batches: SourceBatch[] = [];
  for await (const batch of makeSource('train', 24, 8).epoch(0)) batches.push(batch);
  return batches.slice(0, count);
}

/** A device of which a step takes `fixed` + `each` milliseconds an image, and that has room for so many. */
function device({ fixed = 0, each = 1, room = Infinity }: { fixed?: number; each?: number; room?: number }) {
  let time = 0;
  let open = 0;
  const sizes: number[] = [];
  const run = ({ shape }: Batch): ReturnType<TrainStep['run']> => {
    if (shape[0] > room) throw new TrainyardError('out-of-memory', 'No memory.', '');
    sizes.push(shape[0]);
    const read = (): Promise<number> => {
      time += fixed + each * shape[0];
      return Promise.resolve(1);
    };
    return { loss: { read, dispose: () => undefined }, norms: null };
  };
  const missing = (): never => {
    throw new Error('not asked for');
  };
  const step: TrainStep = {
    run,
    predict: missing,
    profile: missing,
    state: missing,
    restore: missing,
    dispose: () => void open--,
  };
  const compile = (): TrainStep => {
    open++;
    return step;
  };
  return {
    tools: { compile, memory: () => 1000, fits: () => Promise.resolve(null), now: () => time },
    sizes,
    open: () => open,
  };
}

describe('the search for a batch size', () => {
  it('goes on until a size does not fit, and frees what it took', async () => {
    const images = await someBatches(3);
    const { tools, open } = device({ fixed: 100, room: 40 });
    const { trials, suggestion, reason } = await searchBatchSizes(images, tools);
    expect(trials.map(({ batchSize }) => batchSize)).toEqual([4, 8, 16, 32, 64]);
    expect(trials.at(-1)).toMatchObject({ imagesPerSecond: null, reason: 'No memory.' });
    expect(suggestion).toBe(32);
    expect(reason).toContain('64 images do not fit');
    expect(open()).toBe(0);
  });

  it('ends where larger sizes no longer pay and suggests the smallest of the fast ones', async () => {
    const { tools, sizes } = device({ fixed: 2, each: 1 });
    const { trials, suggestion, reason } = await searchBatchSizes(await someBatches(3), tools);
    // 4: 667 a second, 8: 800, 16: 889, 32: 941, 64: 970, 128: 985.
    expect(trials.map(({ batchSize }) => batchSize)).toEqual([4, 8, 16, 32, 64, 128]);
    expect(suggestion).toBe(16);
    expect(reason).toContain('11 % faster');
    expect(Math.max(...sizes)).toBe(128);
  });

  it('asks what the device grants before it tries', async () => {
    const { tools, sizes } = device({});
    const fits = (batchSize: number) => Promise.resolve({ needed: batchSize * 1e6, granted: 10e6 });
    const { trials } = await searchBatchSizes(await someBatches(1), { ...tools, fits });
    expect(trials.at(-1)?.reason).toMatch(/needs about 16 MB.*grants 10 MB/);
    expect(Math.max(...sizes)).toBe(8);
  });

  it('says so where nothing fits, and ends when asked to', async () => {
    const { tools } = device({ room: 1 });
    expect(await searchBatchSizes(await someBatches(1), tools)).toMatchObject({ suggestion: 1 });
    const signal = AbortSignal.abort();
    await expect(searchBatchSizes(await someBatches(1), { ...tools, signal })).rejects.toThrow();
  });

  it('runs on a real engine', async () => {
    const engine = await cpuEngine();
    const graph = smallGraph();
    const job = makeJob();
    const loss = createLoss(job.task, job.loss, { classes: 2, train: [] });
    const parameters = initializeParameters(graph, 0);
    const heard: Trial[] = [];
    const found = await searchBatchSizes(
      await someBatches(3),
      {
        compile: () => engine.compile(graph, parameters, optimizerOf(job, loss, NOTHING_FROZEN.at(0))),
        memory: () => engine.memory().bytes,
        fits: () => Promise.resolve(null),
        onTrial: (trial) => heard.push(trial),
      },
      16,
    );
    expect(found.trials).toEqual(heard);
    expect(found.trials.every(({ imagesPerSecond }) => (imagesPerSecond ?? 0) > 0)).toBe(true);
  });
});

describe('a batch of any size', () => {
  it('has the images in order and over again, with their targets', async () => {
    const images = await someBatches(2);
    const all = tiled(images, 20);
    const [, ...image] = images[0].shape;
    const pixels = image.reduce((product, length) => product * length, 1);
    expect(all.shape).toEqual([20, ...image]);
    expect(all.images.subarray(0, 8 * pixels)).toEqual(images[0].images);
    expect(all.images.subarray(8 * pixels, 16 * pixels)).toEqual(images[1].images);
    expect(all.images.subarray(16 * pixels)).toEqual(images[0].images.subarray(0, 4 * pixels));
    expect(all.targets.shape).toEqual([20, 2]);
    expect(all.targets.values.subarray(32)).toEqual(images[0].targets.values.subarray(0, 8));
  });
});

describe('a suggestion', () => {
  it('is the largest size where that is the fastest', () => {
    const trial = (batchSize: number, imagesPerSecond: number): Trial => ({
      batchSize,
      imagesPerSecond,
      memoryBytes: 0,
      reason: null,
    });
    expect(suggest([trial(4, 10), trial(8, 20)])).toMatchObject({ suggestion: 8 });
  });
});
