// What a model on an engine must agree on with PyTorch: names, logits, the first gradient, the losses of three steps. Measures;
// who calls decides what to do about it. Tolerances are the file format's own, see docs/parity.md.

import type { Engine } from '$lib/engines/contract';
import { pyTorchShape } from '$lib/graph/layout';
import type { Graph } from '$lib/graph/types';
import { buildModel } from '$lib/models/build';
import { getModel } from '$lib/models/registry';
import { crossEntropy } from '$lib/tasks/classification/loss';
import { architectureOf, classesOf, drawImages, drawParameters, RULES, trainingBatch } from './fixture';
import type { Evaluation, ParityFixture, Rule } from './fixture';

/** One comparison. Within tolerance means `error <= tolerance`; an error that is not a number is never. */
export interface Deviation {
  /** 'logits', 'loss of step 2', 'norm of the gradient of conv1.weight'. */
  what: string;
  error: number;
  tolerance: number;
}

/** Of the largest logit: float32 through some fifty layers stays below 2e-5. */
const LOGITS = 1e-4;
/** Least tolerance of a gradient's norm, and factor on PyTorch's own float32 error. */
const GRADIENT = 1e-3;
const OWN_ERRORS = 20;
/** The losses are printed with as many digits. */
const PRINTED = 1e-5;
/** Where PyTorch says that a gradient is practically zero: of the largest norm. */
const ZERO = 1e-6;

export function isWithin({ error, tolerance }: Deviation): boolean {
  return error <= tolerance;
}

/** The model at an NCHW shape's size, with every kind of dropout off. Throws as buildModel. */
export function buildFor(fixture: ParityFixture, [, , height, width]: readonly number[]): Promise<Graph> {
  const model = architectureOf(fixture);
  const fields = Object.keys(getModel(model).config.fields).filter((name) => /^drop/.test(name));
  const config = Object.fromEntries(fields.map((name) => [name, 0]));
  return buildModel(model, { config, imageSize: [height, width], classes: classesOf(fixture) });
}

/** How names, shapes and order of the model's tensors differ from the file's, and the number of parameters. Empty: they agree. */
export function compareTensors(fixture: ParityFixture, graph: Graph): string[] {
  const problems: string[] = [];
  const own = graph.parameters.map((parameter) => `${parameter.name} [${pyTorchShape(parameter).join(', ')}]`);
  const wanted = fixture.tensors.map(([name, shape]) => `${name} [${shape.join(', ')}]`);
  const at = own.findIndex((tensor, index) => tensor !== wanted[index]);
  if (at >= 0) problems.push(`tensor ${at + 1} is ${own[at]}, PyTorch has ${wanted[at] ?? 'no more'}`);
  else if (own.length < wanted.length) problems.push(`PyTorch has ${wanted[own.length]} too`);
  const trainable = graph.parameters.filter((parameter) => parameter.trainable);
  const count = trainable.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  if (count !== fixture.parameters) problems.push(`${count} parameters, PyTorch has ${fixture.parameters}`);
  const names = trainable.map(({ name }) => name).sort();
  const moved = Object.keys(fixture.train.first_gradient).sort();
  if (names.join() !== moved.join()) problems.push('other tensors are trained than in PyTorch');
  return problems;
}

/** Evaluation-mode logits, and the mean of the pooled features where the file has it. */
export async function compareEvaluation(
  fixture: ParityFixture,
  evaluation: Evaluation,
  engine: Engine,
): Promise<Deviation[]> {
  const graph = await buildFor(fixture, evaluation.input[1]);
  const predictor = engine.predictor(graph, drawParameters(fixture, graph));
  const images = drawImages(fixture.stream_prefix, evaluation.input);
  try {
    const batch = { ...images, targets: { values: new Float32Array(), shape: [0] } };
    const { output, features } = await predictor.predict(batch, { features: true });
    const expected = evaluation.logits.flat();
    const largest = Math.max(...expected.map(Math.abs));
    const differences = expected.map((value, at) => Math.abs(value - output[at]));
    const error = output.length === expected.length ? Math.max(...differences) / largest : NaN;
    const found: Deviation[] = [{ what: 'logits', error, tolerance: LOGITS }];
    const pooled = graph.nodes.find((node) => node.id === graph.features)?.op === 'global_avg_pool';
    if (pooled && evaluation.features?.shape.length === 4 && features !== undefined) {
      // Pooling keeps the mean of the map that the file describes; other nets have layers between the map and their features.
      const mean = features.reduce((sum, value) => sum + value, 0) / features.length;
      const reference = evaluation.features.mean;
      found.push({ what: 'mean of the features', error: Math.abs(mean / reference - 1), tolerance: LOGITS });
    }
    return found;
  } finally {
    predictor.dispose();
  }
}

export interface TrainingComparison {
  losses: Deviation[];
  /** Of the first step; empty for AdamW, whose buffers do not hold the gradient itself. */
  gradients: Deviation[];
}

/**
 * How far PyTorch's own float32 losses are from its float64 ones by step `index`, relative. The worse of both rules: they start
 * from the same weights and see the same images, and which of the two meets a ReLU's corner is chance (MobileNetV4's third
 * step: 7e-7 with SGD, 3e-5 with AdamW; ours on wasm: 2e-5 and 4e-6).
 */
function ownErrors({ train }: ParityFixture, index: number): number {
  const errors = [train.sgd, train.adamw].flatMap(({ losses, losses_float64: precise }) =>
    losses.slice(0, index + 1).map((loss, step) => Math.abs(loss / precise[step] - 1)),
  );
  return Math.max(...errors);
}

/**
 * Losses of the steps, and the gradient of the first. Twenty times PyTorch's own float32 error is allowed, as for gradients, and
 * never less than the last printed digit.
 */
export async function compareTraining(fixture: ParityFixture, rule: Rule, engine: Engine): Promise<TrainingComparison> {
  const graph = await buildFor(fixture, fixture.train.input_shape);
  const { optimizer, rate } = RULES[rule];
  const specification = { optimizer, loss: crossEntropy(), decayAll: true, clipNorm: 0, seed: 0 };
  const step = engine.compile(graph, drawParameters(fixture, graph), specification);
  const { losses, losses_float64: precise } = fixture.train[rule];
  const compared: TrainingComparison = { losses: [], gradients: [] };
  try {
    for (let index = 0; index < losses.length; index++) {
      const { loss } = step.run(trainingBatch(fixture, index), rate);
      const error = Math.abs((await loss.read()) / precise[index] - 1);
      const tolerance = Math.max(PRINTED, OWN_ERRORS * ownErrors(fixture, index));
      compared.losses.push({ what: `loss of step ${index + 1} of ${rule}`, error, tolerance });
      if (rule !== 'sgd' || index > 0) continue;
      // After one step from rest, the momentum is the gradient.
      const { optimizer: buffers } = await step.state();
      compared.gradients = compareGradient(fixture, graph, buffers.get('momentum') ?? new Float32Array());
    }
    return compared;
  } finally {
    step.dispose();
  }
}

/**
 * Norms, relative, and sums: a relative error of a vector moves its sum by at most that times norm times sqrt(size)
 * (Cauchy and Schwarz), of which it is given as a share here.
 */
function compareGradient(fixture: ParityFixture, graph: Graph, flat: Float32Array): Deviation[] {
  const reference = fixture.train.first_gradient;
  const largest = Math.max(...Object.values(reference).map(([norm]) => norm));
  const deviations: Deviation[] = [];
  let begin = 0;
  for (const { name, shape, trainable } of graph.parameters) {
    if (!trainable) continue;
    const size = shape.reduce((product, length) => product * length, 1);
    const values = flat.subarray(begin, (begin += size));
    const [norm, sum, own] = reference[name] ?? [0, 0, null];
    const ownNorm = Math.sqrt(values.reduce((total, value) => total + value * value, 0));
    const ownSum = values.reduce((total, value) => total + value, 0);
    if (own === null) {
      deviations.push({ what: `gradient of ${name}, which is zero`, error: ownNorm / largest, tolerance: ZERO });
      continue;
    }
    const tolerance = Math.max(GRADIENT, OWN_ERRORS * own);
    const spread = norm * Math.sqrt(size);
    deviations.push(
      { what: `norm of the gradient of ${name}`, error: Math.abs(ownNorm / norm - 1), tolerance },
      { what: `sum of the gradient of ${name}`, error: Math.abs(ownSum - sum) / spread, tolerance },
    );
  }
  return deviations;
}
