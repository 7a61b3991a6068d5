// What a training step needs of the device's memory, from its graph, and in how many parts a batch fits into what there is.
// Arithmetic only; who asks the device is preflight.ts.

import { countParameters, keptValues } from '$lib/graph/cost';
import { elements } from '$lib/graph/ops/operation';
import type { Graph } from '$lib/graph/types';
import type { Job } from '$lib/job/job';

const BYTES = 4; // float32

export interface StepMemory {
  /** Bytes that do not depend on the batch: parameters, gradients, the optimiser's buffers, averages. */
  fixed: number;
  /** Bytes for each image of a part. */
  perImage: number;
  /** Besides, where a batch is computed in parts: the gradients that are gathered. */
  gathered: number;
}

/**
 * Bytes of a training step, all float32:
 *
 *     fixed    = 4 * (P + T * (1 + b + e))      gathered = 4 * T
 *     perImage = 4 * (I + sum of kept_i + 2 * max of kept_i)
 *
 * P parameters with running statistics, T trainable ones that move, b buffers of the rule, e 1 with averages; I values of an image,
 * kept_i what node i keeps for its gradient (nothing where no gradient comes to it), and room for the two gradients in flight at
 * the widest place.
 */
export function stepMemory(
  graph: Graph,
  job: Pick<Job, 'optimizer' | 'ema'>,
  frozen: ReadonlySet<string> = new Set(),
): StepMemory {
  const moving = graph.parameters.filter(({ name, trainable }) => trainable && !frozen.has(name));
  const moves = new Set(moving.map(({ name }) => name));
  const trained = moving.reduce((sum, { shape }) => sum + elements(shape), 0);
  const reached = new Set<string>();
  for (const { id, inputs, parameters } of graph.nodes) {
    const learns = Object.values(parameters).some((name) => moves.has(name));
    if (learns || inputs.some((input) => reached.has(input))) reached.add(id);
  }
  const kept = keptValues(graph);
  const held = [...kept].map(([id, values]) => (reached.has(id) ? values : 0));
  const input = elements(graph.nodes[0].shape);
  // A frozen part is passed through: two of its layers at a time.
  const passing = Math.max(...graph.nodes.map(({ shape }) => elements(shape)));
  const widest = Math.max(passing, ...held);
  const average = job.ema.decay > 0 ? 1 : 0;
  return {
    fixed: BYTES * (countParameters(graph).total + trained * (1 + buffersOf(job.optimizer) + average)),
    perImage: BYTES * (input + held.reduce((sum, values) => sum + values, 0) + 2 * widest),
    gathered: BYTES * trained,
  };
}

/** Buffers as large as the parameters that an update rule keeps. */
export function buffersOf({ name, momentum, amsgrad }: Job['optimizer']): number {
  switch (name) {
    case 'sgd':
      return momentum > 0 ? 1 : 0;
    case 'adam':
    case 'adamw':
      return amsgrad ? 3 : 2;
    case 'rmsprop':
      return momentum > 0 ? 2 : 1;
    default:
      return name satisfies never;
  }
}

/** Bytes with a batch in so many parts. */
export function bytesFor({ fixed, perImage, gathered }: StepMemory, batchSize: number, parts: number): number {
  return fixed + (parts > 1 ? gathered : 0) + Math.ceil(batchSize / parts) * perImage;
}

/** The fewest parts, from `parts` on, in which a batch fits into `granted` bytes; null where not even one image does. */
export function partsThatFit(
  memory: StepMemory,
  { batchSize, parts, granted }: { batchSize: number; parts: number; granted: number },
): number | null {
  if (bytesFor(memory, batchSize, parts) <= granted) return parts;
  const images = Math.floor((granted - memory.fixed - memory.gathered) / memory.perImage);
  if (images < 1) return null;
  return Math.max(parts, Math.ceil(batchSize / images));
}
