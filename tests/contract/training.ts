// A fixed batch and a plain training step, for tests of models and engines.

import * as tf from '@tensorflow/tfjs-core';
import { stream } from '$lib/core/random';
import type { Batch, Engine, StepSpecification, TrainState, TrainStep } from '$lib/engines/contract';
import { initializeParameters } from '$lib/graph/initialize';
import type { Graph } from '$lib/graph/types';

/** Mean cross entropy with targets that are probabilities. */
export const crossEntropy: StepSpecification['loss'] = (logits, targets) =>
  tf.neg(tf.mean(tf.sum(tf.mul(targets, tf.logSoftmax(logits)), -1)));

export const PLAIN: StepSpecification = {
  optimizer: { name: 'adamw', betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.05 },
  loss: crossEntropy,
  decayAll: false,
  clipNorm: 0,
  seed: 5,
};

/** Random bytes, each image with a class of its own as long as there are enough. Same arguments, same batch. */
export function fixedBatch(graph: Graph, count: number, name: string | number = 0): Batch {
  const [height, width, channels] = graph.nodes[0].shape;
  const [classes] = graph.nodes.find((node) => node.id === graph.output)?.shape ?? [1];
  const random = stream(1, 'batch', name);
  const images = Uint8Array.from({ length: count * height * width * channels }, () => 256 * random());
  const values = new Float32Array(count * classes);
  for (let row = 0; row < count; row++) values[row * classes + (row % classes)] = 1;
  return { images, shape: [count, height, width, channels], targets: { values, shape: [count, classes] } };
}

export function compile(engine: Engine, graph: Graph, changes: Partial<StepSpecification> = {}): TrainStep {
  return engine.compile(graph, initializeParameters(graph, 1), { ...PLAIN, ...changes });
}

/** The losses of steps `from`..`to`, each on a batch of its own. */
export async function train(step: TrainStep, graph: Graph, from: number, to: number): Promise<number[]> {
  const losses: number[] = [];
  for (let index = from; index < to; index++) {
    const { loss } = step.run(fixedBatch(graph, 4, index), 1e-3);
    losses.push(await loss.read());
  }
  return losses;
}

/** Names of what differs by a bit; vitest's own comparison takes a minute for a million numbers. */
export function differences(a: TrainState, b: TrainState): string[] {
  const wrong = a.step === b.step ? [] : ['step'];
  for (const kind of ['parameters', 'ema', 'optimizer'] as const) {
    for (const name of new Set([...(a[kind]?.keys() ?? []), ...(b[kind]?.keys() ?? [])])) {
      const [one, other] = [a[kind]?.get(name), b[kind]?.get(name)];
      if (one === undefined || other === undefined || !sameBits(one, other)) wrong.push(`${kind}/${name}`);
    }
  }
  return wrong;
}

function sameBits(a: Float32Array, b: Float32Array): boolean {
  const bits = (values: Float32Array): Uint32Array => new Uint32Array(values.buffer, values.byteOffset, values.length);
  const [one, other] = [bits(a), bits(b)];
  return one.length === other.length && one.every((word, at) => word === other[at]);
}
