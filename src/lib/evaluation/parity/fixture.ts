// Parity files: an architecture's tensors, inputs and results as PyTorch computes them, without a single weight: every tensor is
// drawn from its name. The format is described in docs/parity.md. Nothing here computes a model.

import { TrainyardError } from '$lib/core/errors';
import { isObject } from '$lib/core/path';
import { fnv1a, mulberry32 } from '$lib/core/random';
import type { Batch, OptimizerSpecification } from '$lib/engines/contract';
import { fromPyTorch } from '$lib/graph/layout';
import type { Graph, ParameterValues } from '$lib/graph/types';

/** Name, shape, and the range that its numbers are drawn from. */
export type Drawn = readonly [name: string, shape: readonly number[], low: number, high: number];

export interface Evaluation {
  /** NCHW. */
  input: Drawn;
  logits: readonly (readonly number[])[];
  /** Of the feature map before pooling, NCHW. */
  features?: { shape: readonly number[]; mean: number };
}

/** L2 norm, sum, and the relative error of PyTorch's own float32 (null: the gradient is practically zero). */
export type GradientSummary = readonly [norm: number, sum: number, error: number | null];

export interface ParityFixture {
  stream_prefix: string;
  /** 'timm 1.0.29 resnet18 {}'. */
  source: string;
  task: 'classification';
  /** Trainable values. */
  parameters: number;
  tensors: readonly Drawn[];
  eval: Evaluation;
  eval_large?: Evaluation;
  train: {
    /** Name of a step's input, with {i} for its number. */
    inputs: string;
    /** NCHW. */
    input_shape: readonly number[];
    low: number;
    high: number;
    labels: readonly number[];
    first_gradient: Readonly<Record<string, GradientSummary>>;
    sgd: Losses;
    adamw: Losses;
  };
}

/** Of the steps, as PyTorch computes them in both precisions. */
export interface Losses {
  losses: readonly number[];
  losses_float64: readonly number[];
}

export type Rule = 'sgd' | 'adamw';

/** The steps of `train.sgd` and `train.adamw`. Plain PyTorch decays every parameter. */
export const RULES: Record<Rule, { optimizer: OptimizerSpecification; rate: number }> = {
  sgd: { optimizer: { name: 'sgd', momentum: 0.9, nesterov: false, weightDecay: 0 }, rate: 1e-4 },
  adamw: { optimizer: { name: 'adamw', betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.05 }, rate: 1e-5 },
};

/** The model's name in its library. */
export function architectureOf({ source }: Pick<ParityFixture, 'source'>): string {
  return /^\S+ \S+ (\S+) \{/.exec(source)?.[1] ?? source;
}

/** Row-major numbers of a named tensor: mulberry32 seeded with the FNV-1a hash of its name. */
export function draw(prefix: string, [name, shape, low, high]: Drawn): Float32Array {
  const next = mulberry32(fnv1a(prefix + name));
  const values = new Float32Array(sizeOf(shape));
  for (let at = 0; at < values.length; at++) values[at] = low + (high - low) * next();
  return values;
}

/** An input batch, NCHW in the file, as the engine takes it: NHWC, 0..1 already normalised or not, as the file says. */
export function drawImages(prefix: string, drawn: Drawn): Pick<Batch, 'shape'> & { images: Float32Array } {
  const [count, channels, height, width] = drawn[1];
  const source = draw(prefix, drawn);
  const images = new Float32Array(source.length);
  let to = 0;
  for (let n = 0; n < count; n++) {
    for (let pixel = 0; pixel < height * width; pixel++) {
      for (let c = 0; c < channels; c++) images[to++] = source[(n * channels + c) * height * width + pixel];
    }
  }
  return { images, shape: [count, height, width, channels] };
}

/** Number of classes of the file's model. */
export function classesOf(fixture: ParityFixture): number {
  return fixture.eval.logits[0].length;
}

/** Step `index`'s batch with one-hot targets. */
export function trainingBatch(fixture: ParityFixture, index: number): Batch {
  const { inputs, input_shape, low, high, labels } = fixture.train;
  const classes = classesOf(fixture);
  const values = new Float32Array(labels.length * classes);
  labels.forEach((label, row) => (values[row * classes + label] = 1));
  const name = inputs.replace('{i}', String(index));
  return {
    ...drawImages(fixture.stream_prefix, [name, input_shape, low, high]),
    targets: { values, shape: [labels.length, classes] },
  };
}

/** The file's tensors in our layout, by name. Throws `parity-tensors` for a parameter that the file does not have. */
export function drawParameters(fixture: ParityFixture, graph: Graph): ParameterValues {
  const drawn = new Map(fixture.tensors.map((tensor) => [tensor[0], tensor]));
  return new Map(
    graph.parameters.map((parameter) => {
      const tensor = drawn.get(parameter.name);
      if (tensor !== undefined && sizeOf(tensor[1]) === sizeOf(parameter.shape)) {
        return [parameter.name, fromPyTorch(parameter, draw(fixture.stream_prefix, tensor))];
      }
      throw new TrainyardError(
        'parity-tensors',
        tensor === undefined
          ? `The model has a tensor "${parameter.name}" that the parity file does not have.`
          : `The tensor "${parameter.name}" is ${tensor[1].join(' x ')} in the parity file, but not in the model.`,
        "The model is not the file's architecture, or its names are not its library's.",
      );
    }),
  );
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** Larger than any input here by far (a batch of 64 at 1024 x 1024 x 3); a claim beyond it is not drawn. */
const MOST_VALUES = 2 ** 28;

/** Reads a parity file. Throws `parity-file` (no fixture of this format) or `parity-task` (of a task that is not there). */
export function parseFixture(text: string, name: string): ParityFixture {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw notAFixture(name, 'it is not JSON');
  }
  if (!isObject(value)) throw notAFixture(name, 'it is not a JSON object');
  if (typeof value.stream_prefix !== 'string' || typeof value.source !== 'string' || typeof value.task !== 'string') {
    throw notAFixture(name, 'it has no "stream_prefix", "source" or "task"');
  }
  if (value.task !== 'classification') {
    throw new TrainyardError(
      'parity-task',
      `${name} is for the task "${value.task}", which is not there yet.`,
      'Run files of classification networks.',
    );
  }
  const problem = problemOf(value);
  if (problem !== null) throw notAFixture(name, problem);
  // Every field that is read was checked by problemOf.
  return value as unknown as ParityFixture;
}

function notAFixture(name: string, found: string): TrainyardError {
  return new TrainyardError(
    'parity-file',
    `${name} is not a parity file: ${found}.`,
    'Give files of the format that docs/parity.md describes.',
  );
}

/** What keeps an object from being a fixture, or null. */
function problemOf(file: Record<string, unknown>): string | null {
  if (!isCount(file.parameters)) return '"parameters" is not a count';
  if (!Array.isArray(file.tensors) || !file.tensors.every((tensor) => isDrawn(tensor))) {
    return '"tensors" is not a list of [name, shape, low, high]';
  }
  for (const key of ['eval', 'eval_large']) {
    const evaluation = file[key];
    if (key === 'eval_large' && evaluation === undefined) continue;
    if (!isObject(evaluation) || !isDrawn(evaluation.input, 4)) return `"${key}.input" is not [name, shape, low, high]`;
    const { input, logits } = evaluation;
    if (!isTable(logits) || logits.length !== input[1][0])
      return `"${key}.logits" is not a row of numbers for each image`;
    const { features } = evaluation;
    if (features !== undefined && !(isObject(features) && isList(features.shape) && isNumber(features.mean))) {
      return `"${key}.features" has no shape and mean`;
    }
  }
  const { train } = file;
  if (!isObject(train)) return '"train" is missing';
  if (typeof train.inputs !== 'string') return '"train.inputs" is no name';
  const input: unknown = [train.inputs, train.input_shape, train.low, train.high];
  if (!isDrawn(input, 4)) return '"train.input_shape" is not an NCHW shape';
  const { labels } = train;
  if (!isList(labels) || !labels.every(isCount) || labels.length !== input[1][0]) {
    return '"train.labels" is not a class for each image';
  }
  const { first_gradient: gradient } = train;
  if (!isObject(gradient) || !Object.values(gradient).every(isSummary)) {
    return '"train.first_gradient" is not a table of [norm, sum, error]';
  }
  for (const rule of ['sgd', 'adamw']) {
    const losses = train[rule];
    if (!isObject(losses) || !isList(losses.losses) || !isList(losses.losses_float64)) {
      return `"train.${rule}" has no losses in both precisions`;
    }
    if (losses.losses.length !== losses.losses_float64.length) return `"train.${rule}" has uneven losses`;
  }
  return null;
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isList(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isNumber);
}

function isTable(value: unknown): value is number[][] {
  if (!Array.isArray(value) || value.length === 0) return false;
  const rows: unknown[] = value;
  const [first] = rows;
  return isList(first) && first.length > 0 && rows.every((row) => isList(row) && row.length === first.length);
}

function isDrawn(value: unknown, rank?: number): value is Drawn {
  if (!Array.isArray(value) || value.length !== 4) return false;
  const [name, shape, low, high]: unknown[] = value;
  if (typeof name !== 'string' || !isList(shape) || !isNumber(low) || !isNumber(high)) return false;
  const fits = rank === undefined || shape.length === rank;
  return fits && shape.every((length) => isCount(length) && length > 0) && sizeOf(shape) <= MOST_VALUES;
}

function isSummary(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 3) return false;
  const [norm, sum, error]: unknown[] = value;
  return isNumber(norm) && isNumber(sum) && (error === null || isNumber(error));
}
