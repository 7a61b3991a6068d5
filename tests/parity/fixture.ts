// Reads the parity files: an architecture's tensors, inputs and results as PyTorch computes them. The format is described in
// tests/fixtures/parity/README.md. PARITY_DIR replaces the folder.

import { fnv1a, mulberry32 } from '$lib/core/random';
import { fromPyTorch, pyTorchShape } from '$lib/graph/layout';
import type { Graph, ParameterValues, Shape } from '$lib/graph/types';
import type { OptimizerSpecification } from '$lib/engines/contract';

/** Name, shape, and the range that its numbers are drawn from. */
type Drawn = [name: string, shape: number[], low: number, high: number];

interface Evaluation {
  /** NCHW. */
  input: Drawn;
  logits: number[][];
  /** Of the feature map before pooling, NCHW. */
  features?: { shape: number[]; mean: number };
}

export interface Parity {
  stream_prefix: string;
  /** 'timm 1.0.29 resnet18 {}'. */
  source: string;
  task: string;
  parameters: number;
  tensors: Drawn[];
  eval: Evaluation;
  eval_large?: Evaluation;
  train: {
    inputs: string;
    input_shape: number[];
    low: number;
    high: number;
    labels: number[];
    /** L2 norm, sum, relative error of PyTorch's own float32 (null: practically zero). */
    first_gradient: Record<string, [norm: number, sum: number, error: number | null]>;
    sgd: { losses: number[]; losses_float64: number[] };
    adamw: { losses: number[]; losses_float64: number[] };
  };
}

export interface Images {
  /** NHWC. */
  images: Float32Array;
  shape: [count: number, height: number, width: number, channels: number];
}

/** The steps of `train.sgd` and `train.adamw`, see the format's README. Plain PyTorch decays every parameter. */
export const TRAINING: Record<'sgd' | 'adamw', { optimizer: OptimizerSpecification; rate: number }> = {
  sgd: { optimizer: { name: 'sgd', momentum: 0.9, nesterov: false, weightDecay: 0 }, rate: 1e-4 },
  adamw: { optimizer: { name: 'adamw', betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.05 }, rate: 1e-5 },
};

/** The model's name in its library. */
export function architectureOf({ source }: Parity): string {
  return /^\S+ \S+ (\S+) \{/.exec(source)?.[1] ?? source;
}

/** Row-major numbers of a named tensor. */
export function draw(prefix: string, [name, shape, low, high]: Drawn): Float32Array {
  const next = mulberry32(fnv1a(prefix + name));
  const values = new Float32Array(shape.reduce((product, length) => product * length, 1));
  for (let at = 0; at < values.length; at++) values[at] = low + (high - low) * next();
  return values;
}

/** An input batch, NCHW in the file, as the engine takes it. */
export function drawImages(prefix: string, drawn: Drawn): Images {
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

/** Step `index`'s batch with one-hot targets. */
export function trainingBatch(parity: Parity, index: number, classes: number) {
  const { inputs, input_shape, low, high, labels } = parity.train;
  const values = new Float32Array(labels.length * classes);
  labels.forEach((label, row) => (values[row * classes + label] = 1));
  const name = inputs.replace('{i}', String(index));
  return {
    ...drawImages(parity.stream_prefix, [name, input_shape, low, high]),
    targets: { values, shape: [labels.length, classes] },
  };
}

/** The file's tensors in our layout, by name. */
export function drawParameters(parity: Parity, graph: Graph): ParameterValues {
  const drawn = new Map(parity.tensors.map((tensor) => [tensor[0], tensor]));
  return new Map(
    graph.parameters.map((parameter) => {
      const tensor = drawn.get(parameter.name);
      if (tensor === undefined) throw new Error(`The reference has no "${parameter.name}".`);
      return [parameter.name, fromPyTorch(parameter, draw(parity.stream_prefix, tensor))];
    }),
  );
}

/** Names and PyTorch shapes in the order of the graph's parameters, to be compared with `tensors`. */
export function stateDict(graph: Graph): [name: string, shape: Shape][] {
  return graph.parameters.map((parameter) => [parameter.name, pyTorchShape(parameter)]);
}
