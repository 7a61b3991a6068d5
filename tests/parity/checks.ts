// What a model and an engine must agree on with PyTorch. Runs in Node and in the browser; throws nothing of its own: expects.

import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import type { Engine, StepSpecification } from '$lib/engines/contract';
import type { Graph } from '$lib/graph/types';
import { buildModel } from '$lib/models/build';
import { getModel } from '$lib/models/registry';
import { TRAINING, drawImages, drawParameters, stateDict, trainingBatch } from './fixture';
import type { Parity } from './fixture';

/** The model at the file's size, with every kind of dropout off. */
export async function buildFor(parity: Parity, model: string, [, , height, width]: readonly number[]): Promise<Graph> {
  const fields = Object.keys(getModel(model).config.fields).filter((name) => /^drop/.test(name));
  const config = Object.fromEntries(fields.map((name) => [name, 0]));
  return buildModel(model, { config, imageSize: [height, width], classes: parity.eval.logits[0].length });
}

export function checkNames(parity: Parity, graph: Graph): void {
  expect(stateDict(graph)).toEqual(parity.tensors.map(([name, shape]) => [name, shape]));
}

/** Evaluation-mode logits within 1e-4 of the largest: float32 through some fifty layers stays below 2e-5. */
export async function checkEvaluation(
  parity: Parity,
  model: string,
  which: 'eval' | 'eval_large',
  engine: Engine,
): Promise<void> {
  const evaluation = parity[which];
  if (evaluation === undefined) return;
  const graph = await buildFor(parity, model, evaluation.input[1]);
  const predictor = engine.predictor(graph, drawParameters(parity, graph));
  const batch = {
    ...drawImages(parity.stream_prefix, evaluation.input),
    targets: { values: new Float32Array(), shape: [0] },
  };
  const { output, features } = await predictor.predict(batch, { features: true });
  predictor.dispose();
  const expected = evaluation.logits.flat();
  const largest = Math.max(...expected.map(Math.abs));
  const difference = Math.max(...expected.map((value, at) => Math.abs(value - output[at])));
  expect(output.length).toBe(expected.length);
  expect(difference / largest).toBeLessThan(1e-4);
  const pooled = graph.nodes.some((node) => node.id === graph.features && node.op === 'global_avg_pool');
  if (evaluation.features?.shape.length === 4 && features !== undefined && pooled) {
    // Pooling keeps the mean of the map that the file describes; a norm behind it does not.
    const mean = features.reduce((sum, value) => sum + value, 0) / features.length;
    expect(Math.abs(mean / evaluation.features.mean - 1)).toBeLessThan(1e-4);
  }
}

const crossEntropy: StepSpecification['loss'] = (logits, targets) =>
  tf.neg(tf.mean(tf.sum(tf.mul(targets, tf.logSoftmax(logits)), -1)));

/**
 * Losses of up to three steps, and the gradient of the first. PyTorch's own float32 differs from its float64 by an amount
 * that the file records; twenty times that is allowed, as the format's README has it for gradients, and never less than
 * the last printed digit. `exact`: the engine sums in double precision, as tfjs's cpu backend does.
 */
export async function checkTraining(
  parity: Parity,
  model: string,
  rule: 'sgd' | 'adamw',
  engine: Engine,
  { steps = 3, exact = false }: { steps?: number; exact?: boolean } = {},
): Promise<void> {
  const graph = await buildFor(parity, model, parity.train.input_shape);
  const { optimizer, rate } = TRAINING[rule];
  const specification = { optimizer, loss: crossEntropy, decayAll: true, clipNorm: 0, seed: 0 };
  const step = engine.compile(graph, drawParameters(parity, graph), specification);
  const { losses, losses_float64: precise } = parity.train[rule];
  let own = 0;
  for (let index = 0; index < Math.min(steps, losses.length); index++) {
    const { loss } = step.run(trainingBatch(parity, index, parity.eval.logits[0].length), rate);
    own = Math.max(own, Math.abs(losses[index] - precise[index]));
    const difference = Math.abs((await loss.read()) - precise[index]);
    expect(difference, `loss of step ${index + 1}`).toBeLessThan(Math.max(1e-5 * precise[index], 20 * own));
    if (rule === 'sgd' && index === 0) {
      // After one step from rest, the momentum is the gradient.
      const { optimizer: buffers } = await step.state();
      checkGradient(parity, graph, buffers.get('momentum') ?? new Float32Array(), exact);
    }
  }
  step.dispose();
}

/**
 * Norms within max(1e-3, 20 e), as the format's README has it. Where PyTorch's own float32 puts an activation on the other
 * side of a ReLU's corner than its float64 does, all layers below get an error of one size (the file's largest e, above
 * 1e-3). At which layer that happens is chance, and another float32 implementation meets it elsewhere: in such a file the
 * largest e is allowed everywhere. The sum: a relative error of a vector moves its sum by at most that times norm times
 * sqrt(size) (Cauchy and Schwarz).
 */
function checkGradient(parity: Parity, graph: Graph, flat: Float32Array, exact: boolean): void {
  const reference = parity.train.first_gradient;
  const largest = Math.max(...Object.values(reference).map(([norm]) => norm));
  const worst = Math.max(...Object.values(reference).map(([, , error]) => error ?? 0));
  const chance = worst > 1e-3 && !exact ? worst : 0;
  const trainable = graph.parameters.filter((parameter) => parameter.trainable);
  expect(trainable.map(({ name }) => name).sort()).toEqual(Object.keys(reference).sort());
  let begin = 0;
  for (const { name, shape } of trainable) {
    const size = shape.reduce((product, length) => product * length, 1);
    const values = flat.subarray(begin, (begin += size));
    const [norm, sum, error] = reference[name];
    const ownNorm = Math.sqrt(values.reduce((total, value) => total + value * value, 0));
    const ownSum = values.reduce((total, value) => total + value, 0);
    if (error === null) {
      expect(ownNorm, `norm of the gradient of ${name}, which is zero`).toBeLessThan(1e-6 * largest);
      continue;
    }
    const tolerance = Math.max(1e-3, 20 * error, chance);
    expect(Math.abs(ownNorm / norm - 1), `norm of the gradient of ${name}`).toBeLessThan(tolerance);
    expect(Math.abs(ownSum - sum), `sum of the gradient of ${name}`).toBeLessThan(tolerance * norm * Math.sqrt(size));
  }
}
