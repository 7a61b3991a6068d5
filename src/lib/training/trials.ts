// The tests of a job that a person asks for before a run: rates, batch sizes, memory, the ops of a step. They store no run.

import { TrainyardError } from '$lib/core/errors';
import type { DeviceReport, StepProfile } from '$lib/engines/contract';
import type { Job } from '$lib/job/job';
import { getVersion } from '$lib/storage/datasets';
import { searchBatchSizes, type Trial as BatchSizeTrial } from './batch-sizes';
import { bytesFor, stepMemory } from './memory';
import { networkFor, memoryOf, preflight } from './preflight';
import { rangeTest, type RangePoint, type RangeResult } from './range-test';
import type { SourceBatch } from './source';
import { withTrial, type TrialRequest, type TrialTools } from './trial';

/** Steps at most; a batch of the data is as good as any other for speed. */
const BATCHES_FOR_SIZES = 4;

export function testRange(
  request: TrialRequest & { steps?: number },
  tools: TrialTools,
  onStep: (step: Pick<RangePoint, 'rate' | 'loss'> & { done: number; total: number }) => void,
): Promise<RangeResult> {
  const total = request.steps ?? 100;
  return withTrial(request, tools, async ({ compile, batches }) => {
    const step = compile();
    try {
      const onPoint = ({ rate, loss }: RangePoint, done: number): void => onStep({ rate, loss, done, total });
      return await rangeTest(step, batches(), { steps: total, onPoint });
    } finally {
      step.dispose();
    }
  });
}

export function testBatchSizes(
  request: TrialRequest & { largest?: number },
  tools: TrialTools,
  onTrial: (trial: BatchSizeTrial) => void,
): Promise<{ trials: BatchSizeTrial[]; suggestion: number; reason: string; device: DeviceReport }> {
  return withTrial(request, tools, async ({ engine, graph, frozen, compile, batches }) => {
    const images = await firstBatches(batches(), BATCHES_FOR_SIZES);
    const memory = stepMemory(graph, request.job, frozen);
    const found = await searchBatchSizes(
      images,
      {
        // What a batch in one part needs and takes; the job's own parts are for its own batch.
        compile: () => compile(1),
        memory: () => engine.memory().bytes,
        async fits(batchSize) {
          const needed = bytesFor(memory, batchSize, 1);
          return { needed, granted: await engine.probe(needed) };
        },
        onTrial,
        signal: tools.signal,
      },
      request.largest,
    );
    return { ...found, device: engine.device };
  });
}

/** The second step of a job: the first one compiles shaders. */
export function profileStep(request: TrialRequest, tools: TrialTools): Promise<StepProfile & { device: DeviceReport }> {
  return withTrial(request, tools, async ({ engine, compile, batches }) => {
    const [batch] = await firstBatches(batches(), 1);
    const step = compile();
    try {
      const rate = request.job.optimizer.learning_rate;
      await step.run(batch, rate).loss.read();
      return { ...(await step.profile(batch, rate)), device: engine.device };
    } finally {
      step.dispose();
    }
  });
}

/** What the job needs and what the device grants. Without `probe` nothing is allocated and nothing known of the grant. */
export async function reportMemory(
  { job, versionId, probe }: { job: Job; versionId: string; probe: boolean },
  { database, engine: open }: Pick<TrialTools, 'database' | 'engine'>,
): Promise<{
  device: DeviceReport;
  needed: number;
  fixed: number;
  granted: number | null;
  accumulate: number | null;
}> {
  const version = await getVersion(database, versionId);
  const { run, network } = await networkFor(job, version, database);
  const memory = memoryOf(run, network);
  const engine = await open(job.engine.device);
  const { batch_size: batchSize, accumulate: parts } = job.training;
  const needed = bytesFor(memory, batchSize, 1);
  const { fixed } = memory;
  if (!probe) return { device: engine.device, needed, fixed, granted: null, accumulate: parts };
  const { granted } = await preflight(memory, engine, { batchSize, parts: 1 });
  const found = await preflight(memory, { probe: () => Promise.resolve(granted) }, { batchSize, parts });
  return { device: engine.device, needed, fixed, granted, accumulate: found.accumulate };
}

async function firstBatches(batches: AsyncIterable<SourceBatch>, count: number): Promise<SourceBatch[]> {
  const found: SourceBatch[] = [];
  for await (const batch of batches) {
    found.push(batch);
    if (found.length === count) break;
  }
  if (found.length === 0) throw new TrainyardError('no-train-images', 'There is no image to train on.');
  return found;
}
