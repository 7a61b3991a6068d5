// What a new run starts from: its network, the values of its parameters and its preprocessing, from random numbers or from stored
// weights. Stores nothing.

import { TrainyardError } from '$lib/core/errors';
import { GraphBuilder } from '$lib/graph/builder';
import { splitAtFeatures } from '$lib/graph/heads';
import { initializeParameters } from '$lib/graph/initialize';
import type { Graph } from '$lib/graph/types';
import type {
  ImportedArchitecture,
  ImportedExtractor,
  InputPreprocess,
  LoadReport,
  WeightsFile,
} from '$lib/interchange/weights/contract';
import { loadWeights } from '$lib/interchange/weights/load';
import { openWeights } from '$lib/interchange/weights/open';
import type { Job } from '$lib/job/job';
import type { WeightsMapping } from '$lib/models/contract';
import { IMPORTED } from '$lib/models/imported';
import { getModel } from '$lib/models/registry';
import { getWeightsMapping } from '$lib/models/weights';
import type { Database } from '$lib/storage/database';
import type { DatasetVersionRecord, ResolvedPreprocess, RunRecord, WeightsRecord } from '$lib/storage/records';
import { findWeights, touchWeights, weightsFiles } from '$lib/storage/weights';
import { getTask } from '$lib/tasks/registry';
import { networkOf, withHead } from './network';
import { resolvePreprocess } from './preprocess';

export interface Start {
  /** What the run's record keeps of it. */
  record: Pick<RunRecord, 'preprocess' | 'weights' | 'graph' | 'extractor'>;
  /** One for each parameter of the run's network. */
  parameters: Map<string, Float32Array>;
  /** What of the job could not be followed. */
  notices: readonly string[];
}

/**
 * Throws 'weights-missing' (nothing is stored under that name), 'weights-mismatch' (another model's), 'weights-unreadable' and
 * 'no-network' (an imported network that the file does not hold), besides what building a model throws.
 */
export async function prepareStart(
  job: Job,
  version: Pick<DatasetVersionRecord, 'classes' | 'statistics'>,
  database: Database,
): Promise<Start> {
  const classes = version.classes.map(({ name }) => name);
  const { weights: reference } = job.model;
  if (reference === null) {
    const preprocess = resolvePreprocess(job.preprocess, version.statistics);
    const graph = await networkOf({ job, classes, preprocess });
    return { record: { preprocess }, parameters: initializeParameters(graph, job.seed), notices: [] };
  }
  const stored = await findWeights(database, reference);
  if (stored === null) throw weightsMissing(reference);
  const file = await openWeights(await weightsFiles(database, stored.id), stored.name);
  await touchWeights(database, stored.id);
  if (job.model.name === IMPORTED) return importNetwork(job, { classes, statistics: version.statistics }, stored, file);

  const mapping = await getWeightsMapping(job.model.name);
  const expects = inputOf(job, stored, file, mapping);
  const preprocess = resolvePreprocess(job.preprocess, version.statistics, expects);
  const graph = await networkOf({ job, classes, preprocess });
  const initial = initializeParameters(withNewHead(graph), job.seed);
  const { parameters, report } = await loadWeights(graph, file, initial, { source: stored.name, mapping });
  const weights = { id: stored.id, name: stored.name, report };
  return { record: { preprocess, weights }, parameters, notices: [] };
}

/**
 * A linear classifier on features that are there already begins as PyTorch's linear layers do. What a network begins with as a whole
 * may not fit: timm's EfficientNets draw within 1 / sqrt(classes), which for 5 classes is 14 times as much as for 1,000, and costs
 * three points of accuracy of a frozen MobileNetV1 on flowers.
 */
function withNewHead(graph: Graph): Graph {
  const bounds = new Map<string, number>();
  for (const node of splitAtFeatures(graph).head.nodes) {
    if (node.op !== 'linear') continue;
    const fanIn = graph.parameters.find(({ name }) => name === node.parameters.weight)?.shape[0] ?? 1;
    for (const name of Object.values(node.parameters)) bounds.set(name, 1 / Math.sqrt(fanIn));
  }
  const parameters = graph.parameters.map((parameter) => {
    const bound = bounds.get(parameter.name);
    return bound === undefined ? parameter : { ...parameter, initializer: { kind: 'uniform' as const, bound } };
  });
  return { ...graph, parameters };
}

/** What the weights expect of an image, from whoever says so; null where nobody does. */
function inputOf(
  job: Job,
  stored: WeightsRecord,
  file: WeightsFile,
  mapping: WeightsMapping | null,
): Pick<InputPreprocess, 'mean' | 'std'> | null {
  const own = stored.preprocess ?? file.preprocess;
  if (own !== null) return own;
  if (file.convention === 'keras' && mapping?.kerasInput !== undefined) return mapping.kerasInput;
  const names = new Set([job.model.weights, stored.name, ...stored.sources]);
  return getModel(job.model.name).meta.pretrained.find(({ name }) => names.has(name)) ?? null;
}

async function importNetwork(
  job: Job,
  data: Pick<DatasetVersionRecord, 'statistics'> & { classes: readonly string[] },
  stored: WeightsRecord,
  file: WeightsFile,
): Promise<Start> {
  const found = await file.architecture();
  const expects = stored.preprocess ?? file.preprocess;
  const settings = resolvePreprocess(job.preprocess, data.statistics, expects);
  const outputs = getTask(job.task).outputs(data.classes);
  switch (found.kind) {
    case 'graph': {
      const { graph, parameters, report } = withOwnHead(job, found.architecture, outputs, stored);
      const [height, width] = graph.nodes[0].shape;
      const weights = { id: stored.id, name: stored.name, report };
      return { record: { graph, weights, ...sized(settings, [height, width]) }, parameters, notices: [] };
    }
    case 'extractor': {
      const { extractor, reason } = found;
      const graph = withHead(featureGraph(extractor), job, outputs);
      const weights = { id: stored.id, name: stored.name, report: extractorReport(graph, file, stored) };
      const kept = { graph, weights, extractor: { ...extractor, weightsId: stored.id } };
      return {
        record: { ...kept, ...sized(settings, extractor.input.imageSize) },
        parameters: initializeParameters(graph, job.seed),
        notices: [`${stored.name} computes features and learns nothing itself: ${reason}`],
      };
    }
    case 'none':
      throw noNetwork(stored, 'holds weights but no network', 'Choose the model that these weights belong to.');
    case 'unsupported':
      throw noNetwork(
        stored,
        `holds a network that cannot be used here: ${found.reason}`,
        'Choose a model of the list.',
      );
    default:
      return found satisfies never;
  }
}

/** A file's network reads images of one size. */
function sized(settings: ResolvedPreprocess, imageSize: readonly [number, number]): { preprocess: ResolvedPreprocess } {
  return { preprocess: { ...settings, imageSize } };
}

function withOwnHead(
  job: Job,
  { graph: whole, parameters: values }: ImportedArchitecture,
  outputs: number,
  { name: source, format }: WeightsRecord,
): { graph: Graph; parameters: Map<string, Float32Array>; report: LoadReport } {
  const graph = withHead(whole, job, outputs, { keepOwn: false });
  const backbone = splitAtFeatures(graph).backbone.parameters.map(({ name }) => name);
  const taken = new Set(backbone);
  const parameters = initializeParameters(graph, job.seed);
  for (const name of backbone) {
    const value = values.get(name);
    if (value !== undefined) parameters.set(name, value.slice());
  }
  const report: LoadReport = {
    source,
    format,
    loaded: backbone,
    missing: graph.parameters.map(({ name }) => name).filter((name) => !taken.has(name)),
    unused: whole.parameters.map(({ name }) => name).filter((name) => !taken.has(name)),
    mismatched: [],
    resampled: [],
    backbone: { loaded: backbone.length, total: backbone.length },
  };
  return { graph, parameters, report };
}

/** A graph that reads features as images of one pixel; its head is to be replaced. */
function featureGraph({ features: width }: ImportedExtractor): Graph {
  const builder = new GraphBuilder([1, 1], width);
  const features = builder.reshape(builder.input, [width], 'features');
  return builder.build(features, { features });
}

function extractorReport(head: Graph, file: WeightsFile, { name: source, format }: WeightsRecord): LoadReport {
  const loaded = file.tensors.map(({ name }) => name);
  return {
    source,
    format,
    loaded,
    missing: head.parameters.map(({ name }) => name),
    unused: [],
    mismatched: [],
    resampled: [],
    backbone: { loaded: loaded.length, total: loaded.length },
  };
}

function weightsMissing(reference: string): TrainyardError {
  return new TrainyardError(
    'weights-missing',
    `No weights called "${reference}" are stored in this browser.`,
    'Download them or add their file first (on the command line the job does it itself), or clear model.weights.',
  );
}

function noNetwork({ name }: WeightsRecord, found: string, hint: string): TrainyardError {
  return new TrainyardError('no-network', `${name} ${found}.`, hint);
}
