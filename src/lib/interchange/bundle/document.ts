// model.json of a bundle: all of a trained model but its weights, enough to build it again without the code that made it.

import { TrainyardError } from '$lib/core/errors';
import type { EvaluationResult, MetricValue, PerClassResult } from '$lib/tasks/contract';
import type { FormatReport, TrainedModel } from '../contract';
import {
  dictionary,
  integer,
  invalid,
  list,
  nullable,
  number,
  object,
  oneOf,
  optional,
  pair,
  text,
  triple,
} from '../decode';
import type { Decoder } from '../decode';
import { postprocessingJson, preprocessingJson } from '../preprocessing';
import { VERSION } from '../version';
import type { ImportedExtractor } from '../weights/contract';
import { graphFromJson } from './graph-json';
import { jobFromJson } from './job-json';

export const BUNDLE_FORMAT = 'trainyard-bundle';
/** Raised when a reader of the older version could no longer make sense of it. */
export const BUNDLE_VERSION = 1;

/** Names in the JSON are its own: snake_case, as in the job and in the metadata of the other formats. */
export function bundleDocument(
  model: TrainedModel,
  formats: readonly FormatReport[],
  normalization: boolean,
  weightsSha256: string,
  extractorSha256: string | null = null,
): Record<string, unknown> {
  const { name, graph, classes, preprocess, task, job, evaluation, data, extractor } = model;
  return {
    format: BUNDLE_FORMAT,
    version: BUNDLE_VERSION,
    versions: { trainyard: VERSION },
    name,
    task,
    labels: classes,
    preprocessing: preprocessingJson(preprocess, normalization),
    postprocessing: postprocessingJson(task),
    metrics: evaluation?.result.metrics ?? {},
    weights: { file: 'model.safetensors', sha256: weightsSha256 },
    ...(extractor === undefined ? {} : { extractor: extractorJson(extractor, extractorSha256 ?? '') }),
    verified: formats,
    data,
    evaluation,
    job,
    graph,
  };
}

/** The frozen ONNX file whose features the graph reads. */
interface ExtractorFields {
  file: string;
  sha256: string;
  title: string;
  input: { name: string; layout: 'NCHW' | 'NHWC'; image_size: readonly [number, number] };
  output: string;
  features: number;
}

export const EXTRACTOR_FILE = 'extractor.onnx';

function extractorJson(
  { title, input, output, features }: NonNullable<TrainedModel['extractor']>,
  sha256: string,
): ExtractorFields {
  const { name, layout, imageSize } = input;
  return {
    file: EXTRACTOR_FILE,
    sha256,
    title,
    input: { name, layout, image_size: imageSize },
    output,
    features,
  };
}

const extractorFields: Decoder<ExtractorFields> = object<ExtractorFields>({
  file: text,
  sha256: text,
  title: text,
  input: object<ExtractorFields['input']>({
    name: text,
    layout: oneOf('NCHW', 'NHWC'),
    image_size: pair(integer(1)),
  }),
  output: text,
  features: integer(1),
});

const metricValue: Decoder<MetricValue> = nullable(number);

const perClass: Decoder<PerClassResult> = object<PerClassResult>({
  class: text,
  precision: metricValue,
  recall: metricValue,
  f1: metricValue,
  support: integer(0),
  average_precision: optional(metricValue),
});

const evaluationResult: Decoder<EvaluationResult> = object<EvaluationResult>({
  count: integer(0),
  metrics: dictionary(metricValue),
  classes: list(text),
  per_class: list(perClass),
  confusion_matrix: optional(list(list(integer(0)))),
  baseline: object<EvaluationResult['baseline']>({ name: text, class: text, metrics: dictionary(metricValue) }),
  baselines: optional(
    list(
      object<NonNullable<EvaluationResult['baselines']>[number]>({
        id: oneOf('knn'),
        name: text,
        metrics: dictionary(metricValue),
      }),
    ),
  ),
});

const evaluation: Decoder<NonNullable<TrainedModel['evaluation']>> = object<NonNullable<TrainedModel['evaluation']>>({
  split: text,
  checkpoint: text,
  epoch: integer(0),
  result: evaluationResult,
});

interface PreprocessingFields {
  image_size: readonly [number, number];
  resize: TrainedModel['preprocess']['resize'];
  interpolation: TrainedModel['preprocess']['interpolation'];
  mean: readonly [number, number, number];
  std: readonly [number, number, number];
}

const preprocessing: Decoder<TrainedModel['preprocess']> = (value, path) => {
  const fields = object<PreprocessingFields>({
    image_size: pair(integer(1)),
    resize: oneOf('stretch', 'crop', 'letterbox'),
    interpolation: oneOf('bilinear', 'bicubic', 'nearest'),
    mean: triple(number),
    std: triple(number),
  })(value, path);
  if (fields.std.some((std) => std <= 0)) throw invalid(`${path}.std`, fields.std, 'three numbers above 0');
  const { image_size: imageSize, ...rest } = fields;
  return { imageSize, ...rest };
};

type Task = TrainedModel['task'];

const task: Decoder<Task> = object<Task>({
  id: text,
  activation: object<Task['activation']>({ name: text, kind: oneOf('softmax', 'sigmoid', 'none') }),
});

interface Fields extends Omit<TrainedModel, 'parameters' | 'classes' | 'preprocess' | 'extractor'> {
  labels: string[];
  preprocessing: TrainedModel['preprocess'];
  weights: { file: string; sha256: string };
  extractor: ExtractorFields | undefined;
}

const fields: Decoder<Fields> = object<Fields>({
  name: text,
  task,
  labels: list(text),
  preprocessing,
  weights: object<Fields['weights']>({ file: text, sha256: text }),
  extractor: optional(extractorFields),
  data: object<TrainedModel['data']>({
    name: text,
    images: object<TrainedModel['data']['images']>({ train: integer(0), val: integer(0), test: integer(0) }),
  }),
  evaluation: nullable(evaluation),
  job: jobFromJson,
  graph: graphFromJson,
});

export interface ParsedDocument {
  model: Omit<TrainedModel, 'parameters' | 'extractor'>;
  weights: Fields['weights'];
  /** Its file is in the bundle, too. */
  extractor: { file: string; sha256: string; description: ImportedExtractor } | null;
}

/** Throws `bundle-invalid` or `bundle-version`. */
export function parseDocument(json: string): ParsedDocument {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    const message = `The bundle's model.json is not JSON: ${error instanceof Error ? error.message : String(error)}`;
    throw new TrainyardError('bundle-invalid', message, 'Export the model again.');
  }
  const { format, version } = object<{ format: string; version: number }>({ format: text, version: integer(1) })(
    value,
    '',
  );
  if (format !== BUNDLE_FORMAT) throw invalid('format', format, `"${BUNDLE_FORMAT}"`);
  if (version > BUNDLE_VERSION) {
    throw new TrainyardError(
      'bundle-version',
      `The bundle is of version ${version}; this program reads up to ${BUNDLE_VERSION}.`,
      'Reload the page to get the newest program, or export the model with this one.',
    );
  }
  const { labels, preprocessing: preprocess, weights, extractor: described, ...rest } = fields(value, '');
  const model = { ...rest, classes: labels, preprocess };
  checkAgreement(model, described);
  if (described === undefined) return { model, weights, extractor: null };
  const { file, sha256, title, input, output, features } = described;
  const { name, layout, image_size: imageSize } = input;
  const description = { title, input: { name, layout, imageSize }, output, features };
  return { model, weights, extractor: { file, sha256, description } };
}

/** What the parts say about each other. */
function checkAgreement(
  { graph, classes, preprocess }: ParsedDocument['model'],
  extractor: ExtractorFields | undefined,
): void {
  const { shape } = graph.nodes[0];
  const [height, width] = extractor?.input.image_size ?? shape;
  if (extractor !== undefined && shape.join() !== `1,1,${extractor.features}`) {
    throw invalid('extractor.features', extractor.features, `what the model reads, ${shape.join(' x ')}`);
  }
  const [imageHeight, imageWidth] = preprocess.imageSize;
  if (height !== imageHeight || width !== imageWidth) {
    throw invalid('preprocessing.image_size', preprocess.imageSize, `the model's input, ${height} x ${width}`);
  }
  const outputs = graph.nodes.find(({ id }) => id === graph.output)?.shape.at(-1);
  if (outputs !== classes.length) throw invalid('labels', classes, `${outputs} names, one for each output`);
  if (new Set(classes).size !== classes.length) throw invalid('labels', classes, 'names that all differ');
}
