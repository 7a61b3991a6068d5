// What a graph costs: parameters, floating-point operations, memory while training. Estimates say what they count.

import { operations } from './ops';
import { elements } from './ops/operation';
import type { Operation } from './ops/operation';
import { activationAfter, readersOf } from './readers';
import type { Graph, GraphNode, NodeOf, OpName, Shape } from './types';

const BYTES = 4; // float32

export function countParameters(graph: Graph): { trainable: number; total: number } {
  const count = (parameters: Graph['parameters']): number =>
    parameters.reduce((sum, { shape }) => sum + elements(shape), 0);
  return { trainable: count(graph.parameters.filter(({ trainable }) => trainable)), total: count(graph.parameters) };
}

/** Floating-point operations of one image's forward pass; a multiply-add counts as 2. Training costs about three times that. */
export function countFlops(graph: Graph): number {
  const shapes = shapesOf(graph);
  return graph.nodes.reduce((sum, node) => sum + flopsOf(node, inputShapes(node, shapes)), 0);
}

export interface TrainingMemory {
  parameters: number;
  gradients: number;
  optimizer: number;
  /** Inputs and outputs that the backward pass reads, for the whole batch. */
  activations: number;
  total: number;
}

/**
 * Bytes on the device during a training step, all float32:
 *
 *     4 * (P + T + b * T + n * (I + sum of kept_i + 2 * max of kept_i))
 *
 * P parameters with running statistics, T trainable ones (their gradients), b optimiser buffers (SGD 1, AdamW 2),
 * n images, I values of an image, kept_i what node i keeps for its gradient (mostly its output; nothing for a reshape or
 * for a ReLU that batch norm applies itself), and room for the two gradients in flight at the widest place. Workspaces of
 * convolutions are not counted: expect up to half as much again.
 */
export function estimateTrainingMemory(
  graph: Graph,
  batchSize: number,
  optimizer: 'sgd' | 'adam' | 'adamw' | 'rmsprop',
): TrainingMemory {
  const { trainable, total } = countParameters(graph);
  const kept = [...keptValues(graph).values()];
  const perImage = kept.reduce((sum, values) => sum + values, 0) + 2 * Math.max(...kept);
  const memory = {
    parameters: BYTES * total,
    gradients: BYTES * trainable,
    optimizer: BYTES * trainable * (optimizer === 'sgd' || optimizer === 'rmsprop' ? 1 : 2),
    activations: BYTES * batchSize * perImage,
  };
  return { ...memory, total: Object.values(memory).reduce((sum, bytes) => sum + bytes, 0) };
}

/** Of one image: how many values each node keeps for its gradient, by its id; see {@link estimateTrainingMemory}. */
export function keptValues(graph: Graph): ReadonlyMap<string, number> {
  const shapes = shapesOf(graph);
  const readers = readersOf(graph);
  const applied = new Set(
    graph.nodes.flatMap((node) =>
      node.op === 'batch_norm' ? [activationAfter(graph, readers, node.id)?.node.id] : [],
    ),
  );
  return new Map(
    graph.nodes.map((node) => [node.id, applied.has(node.id) ? 0 : keptOf(node, inputShapes(node, shapes))]),
  );
}

function shapesOf(graph: Graph): ReadonlyMap<string, Shape> {
  return new Map(graph.nodes.map((node) => [node.id, node.shape]));
}

function inputShapes(node: GraphNode, shapes: ReadonlyMap<string, Shape>): Shape[] {
  return node.inputs.map((id) => shapes.get(id) ?? []);
}

function flopsOf<Op extends OpName>(node: NodeOf<Op>, inputs: readonly Shape[]): number {
  const operation: Operation<Op> = operations[node.op];
  const bias = 'bias' in node.parameters && isWeighted(node.op) ? elements(node.shape) : 0;
  return operation.flops(inputs, node.attributes, node.shape) + bias;
}

/** Layers whose bias is an addition of its own; the norms count theirs. */
function isWeighted(op: OpName): boolean {
  return op === 'conv2d' || op === 'depthwise_conv2d' || op === 'conv_transpose2d' || op === 'linear';
}

function keptOf<Op extends OpName>(node: NodeOf<Op>, inputs: readonly Shape[]): number {
  const operation: Operation<Op> = operations[node.op];
  return operation.kept?.(inputs, node.attributes, node.shape) ?? elements(node.shape);
}
