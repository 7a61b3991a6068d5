// What a training step needs of the device's memory, from its graph, and in how many parts a batch fits into what there is.
// Arithmetic only; who asks the device is preflight.ts.

import { countParameters, keptValues } from '$lib/graph/cost';
import { elements } from '$lib/graph/ops/operation';
import type { Graph, OpName } from '$lib/graph/types';
import type { Job } from '$lib/job/job';

const BYTES = 4; // float32

/**
 * What tfjs holds until the end of a step beside what the gradients need: results on the way, and scratch of the convolutions. As
 * measured (see stepMemory). A batch norm applies the activation behind it itself; without one that is a tensor of its own, and
 * attention makes several.
 */
const HELD = { norms: 1.68, plain: 2.15, attention: 2.75 };

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
 *     fixed    = 4 * (P + T * (2 + b + e))      gathered = 4 * T
 *     perImage = 4 * h * (I + sum of kept_i + 2 * max of kept_i)
 *
 * P parameters with running statistics, T trainable ones that move (their gradients, and those in a row for the update), b buffers
 * of the rule, e 1 with averages; I values of an image, kept_i what node i keeps for its gradient (nothing where no gradient comes to
 * it), room for the two gradients in flight at the widest place, h the factor above.
 *
 * Measured as the peak of what is allocated in two AdamW steps on wasm, with the parameters on the host. The estimate is off by
 *
 *     tiny-cnn 64 px          16 images +4 %   64 images +4 %
 *     mobilenetv2_050 96 px    4 images -1 %   16 images -4 %
 *     resnet18 64 px           4 images  0 %   16 images +1 %
 *
 * and, at 64 px and 8 images, by -2 % for mobilenetv2_100, -3 % for resnet50, -7 % for mobilenetv3_small_100, -14 % for
 * efficientnet_b0, -2 % for convnext_atto, +1 % for squeezenet1_1; 0 % for vit_tiny at 224 px. A WebGPU device keeps buffers for
 * reuse and takes more than that; where an estimate was too low the run adapts when memory runs out.
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
  const has = (op: OpName): boolean => graph.nodes.some((node) => node.op === op);
  const factor = has('attention') ? HELD.attention : has('batch_norm') ? HELD.norms : HELD.plain;
  return {
    fixed: BYTES * (countParameters(graph).total + trained * (2 + buffersOf(job.optimizer) + average)),
    perImage: BYTES * factor * (input + held.reduce((sum, values) => sum + values, 0) + 2 * widest),
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

/** Bytes with a batch in so many parts. Whole: a device grants whole bytes, and half of one must not halve a batch. */
export function bytesFor({ fixed, perImage, gathered }: StepMemory, batchSize: number, parts: number): number {
  return Math.ceil(fixed + (parts > 1 ? gathered : 0) + Math.ceil(batchSize / parts) * perImage);
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
