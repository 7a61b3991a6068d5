// The frozen backbone of a run or a trained model as what a feature cache needs: what it is, how it is run.

import type { Engine } from '$lib/engines/contract';
import { splitAtFeatures } from '$lib/graph/heads';
import { withNormalization } from '$lib/graph/passes';
import type { Graph, ParameterValues } from '$lib/graph/types';
import type { ImportedExtractor } from '$lib/interchange/weights/contract';
import type { Job } from '$lib/job/job';
import { IMPORTED } from '$lib/models/imported';
import { getModel } from '$lib/models/registry';
import type { Database } from '$lib/storage/database';
import type { ResolvedPreprocess, RunRecord } from '$lib/storage/records';
import { weightsFiles } from '$lib/storage/weights';
import type { FeatureSource } from './feature-key';
import type { FeatureRunner } from './features';

/** Whether a run computes its features once: where no part of its backbone ever learns. */
export function usesFeatureCache(job: Pick<Job, 'fine_tune'>, isExtractor: boolean): boolean {
  if (isExtractor) return true;
  // Jobs of runs from before there was fine-tuning say nothing of it.
  const fineTune: Job['fine_tune'] | undefined = job.fine_tune;
  return fineTune !== undefined && fineTune.train === 'head' && fineTune.cache && fineTune.unfreeze_every === 0;
}

export interface Backbone {
  source: FeatureSource;
  /** Length of its features, and their shape as an image. */
  width: number;
  shape: readonly number[];
}

export function backboneOf(
  network: Graph,
  parameters: ParameterValues,
  extractor: (ImportedExtractor & { weightsId: string }) | undefined,
): Backbone {
  const { backbone, head } = splitAtFeatures(network);
  const { shape } = head.nodes[0];
  const width = shape.reduce((product, length) => product * length, 1);
  if (extractor === undefined) return { source: { kind: 'graph', backbone, parameters }, width, shape };
  const { title, input, output, features, weightsId } = extractor;
  return { source: { kind: 'extractor', extractor: { title, input, output, features }, weightsId }, width, shape };
}

/** For people: 'MobileNetV1 0.25 at 224 px'. */
export function backboneTitle({ job, weights, preprocess }: RunRecord): string {
  const { name } = job.model;
  const title = name === IMPORTED ? (weights?.name ?? name) : getModel(name).meta.title;
  return `${title} at ${preprocess.imageSize[1]} px`;
}

const NO_TARGETS = { values: new Float32Array(), shape: [0] };

/** Runs it on the engine in evaluation mode. */
function graphRunner(
  engine: Engine,
  { backbone, parameters }: Extract<FeatureSource, { kind: 'graph' }>,
  { mean, std }: Pick<ResolvedPreprocess, 'mean' | 'std'>,
): FeatureRunner {
  const predictor = engine.predictor(withNormalization(backbone, mean, std), parameters);
  return {
    run: async (batch) => (await predictor.predict({ ...batch, targets: NO_TARGETS })).output,
    dispose: () => predictor.dispose(),
  };
}

/** Runs it in ONNX Runtime, which is loaded for it. Throws 'weights-missing' and 'extractor-failed'. */
async function extractorRunner(
  database: Database,
  { extractor, weightsId }: Extract<FeatureSource, { kind: 'extractor' }>,
  { mean, std }: Pick<ResolvedPreprocess, 'mean' | 'std'>,
): Promise<FeatureRunner> {
  const [{ blob }] = await weightsFiles(database, weightsId);
  const { createExtractor } = await import('$lib/interchange/weights/onnx/extractor');
  const running = await createExtractor(blob, extractor);
  return { run: (batch) => running.run(batch, { mean, std }), dispose: () => running.dispose() };
}

/** Opens what computes the features. */
export async function openRunner(
  source: FeatureSource,
  preprocess: ResolvedPreprocess,
  { engine, database }: { engine: Engine; database: Database },
): Promise<FeatureRunner> {
  return source.kind === 'extractor'
    ? extractorRunner(database, source, preprocess)
    : graphRunner(engine, source, preprocess);
}
