// Before a run: whether the device has room for it, and in how many parts a batch is to be computed where it has not.

import { TrainyardError } from '$lib/core/errors';
import { formatBytes, formatPlural } from '$lib/core/format';
import type { Engine } from '$lib/engines/contract';
import { splitAtFeatures } from '$lib/graph/heads';
import { withNormalization } from '$lib/graph/passes';
import { withProjection } from '$lib/graph/projection';
import type { Graph } from '$lib/graph/types';
import type { Job } from '$lib/job/job';
import { IMPORTED } from '$lib/models/imported';
import type { Database } from '$lib/storage/database';
import type { DatasetVersionRecord, RunRecord } from '$lib/storage/records';
import { usesFeatureCache } from './backbone';
import { contrastiveEpochs, epochsOf } from './length';
import { bytesFor, partsThatFit, stepMemory, type StepMemory } from './memory';
import { networkOf } from './network';
import { resolvePreprocess } from './preprocess';
import { freezingOf } from './session';
import { prepareStart } from './start';

export interface Preflight {
  memory: StepMemory;
  /** With the batch in the parts that were asked for, and what the device grants of it. */
  needed: number;
  granted: number;
  /** Null where not even one image fits. */
  accumulate: number | null;
}

type Planned = Pick<RunRecord, 'job' | 'segments' | 'extractor' | 'graph'>;

/** Of the widest phase of a run. `network` is whole, without normalisation. */
export function memoryOf(run: Planned & { preprocess: RunRecord['preprocess'] }, network: Graph): StepMemory {
  const { job, preprocess } = run;
  const cached = usesFeatureCache(job, run.extractor !== undefined);
  const reader = (graph: Graph): Graph =>
    cached ? splitAtFeatures(graph).head : withNormalization(graph, preprocess.mean, preprocess.std);
  // What learns in the last epoch, as parts are let go one after the other; one step an epoch says as much as many.
  const { frozen } = freezingOf({ run, network }, 1).at(Math.max(0, epochsOf(run) - 1));
  const classifier = stepMemory(reader(network), job, frozen);
  if (contrastiveEpochs(job) === 0) return classifier;
  const projection = stepMemory(reader(withProjection(network, job.contrastive.projection)), job, frozen);
  return {
    fixed: Math.max(classifier.fixed, projection.fixed),
    perImage: Math.max(classifier.perImage, projection.perImage),
    gathered: Math.max(classifier.gathered, projection.gathered),
  };
}

/** A job's network without the values of its parameters, where no file has to be read for it. */
export async function networkFor(
  job: Job,
  version: DatasetVersionRecord,
  database: Database,
): Promise<{ run: Planned & Pick<RunRecord, 'preprocess'>; network: Graph }> {
  const classes = version.classes.map(({ name }) => name);
  const record =
    job.model.name === IMPORTED
      ? (await prepareStart(job, version, database)).record
      : { preprocess: resolvePreprocess(job.preprocess, version.statistics) };
  const run = { job, ...record };
  return { run, network: await networkOf({ ...run, classes }) };
}

/** Asks the device for as much as a step in `parts` needs. */
export async function preflight(
  memory: StepMemory,
  engine: Pick<Engine, 'probe'>,
  { batchSize, parts }: { batchSize: number; parts: number },
): Promise<Preflight> {
  const needed = bytesFor(memory, batchSize, parts);
  const granted = await engine.probe(needed);
  return { memory, needed, granted, accumulate: partsThatFit(memory, { batchSize, parts, granted }) };
}

/** For people: why a batch is computed in parts. */
export function adaptation({ needed, granted }: Preflight, batchSize: number, accumulate: number): string {
  const size = Math.ceil(batchSize / accumulate);
  return `A batch of ${batchSize} needs about ${formatBytes(needed)} and the device grants ${formatBytes(granted)}, so that it is computed in ${accumulate} parts of ${formatPlural(size, 'image')}.`;
}

export function noRoom({ needed, granted, memory }: Preflight): TrainyardError {
  const least = memory.fixed + memory.gathered + memory.perImage;
  return new TrainyardError(
    'memory-short',
    `Training needs about ${formatBytes(needed)}, and even a single image ${formatBytes(least)}; the device grants ${formatBytes(granted)}.`,
    'Use a smaller model or a smaller preprocess.image_size, close other programs, or set engine.memory_check to false to try nevertheless.',
  );
}
