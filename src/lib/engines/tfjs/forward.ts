// Walks a graph with tfjs: evaluation or training mode, a layer and its ReLU in one pass where that is possible.

import type { Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';
import { TrainyardError } from '$lib/core/errors';
import { stream } from '$lib/core/random';
import type { ForwardContext, Kernels } from '$lib/graph/ops/forward';
import { forwardNode } from '$lib/graph/ops/tfjs';
import { activationAfter, readersOf } from '$lib/graph/readers';
import type { Graph } from '$lib/graph/types';
import type { FusedActivation } from './wasm';

/** A graph with what a pass over it needs to know, worked out once. */
export interface ForwardPlan {
  graph: Graph;
  /** Id of a convolution or batch norm -> the activation that it applies itself. */
  fused: ReadonlyMap<string, FusedActivation>;
  /** Ids of the activations that the layer before them applies. */
  applied: ReadonlySet<string>;
}

/** Called with what each batch norm saw in training. The tensors are the pass's own: copy or keep them. */
export type StatisticsReport = (node: string, mean: Tensor1D, varBiased: Tensor1D, count: number) => void;

export interface TrainingPass {
  seed: number;
  /** Steps done before this one. */
  step: number;
  /** Batch norms that keep their running statistics. */
  frozenNorms: ReadonlySet<string>;
  report: StatisticsReport;
}

export interface ForwardResult {
  output: Tensor;
  /** Of the node that the graph names, when it names one. */
  features: Tensor | null;
}

export function planForward(graph: Graph): ForwardPlan {
  const readers = readersOf(graph);
  const fused = new Map<string, FusedActivation>();
  const applied = new Set<string>();
  for (const node of graph.nodes) {
    if (node.op !== 'batch_norm' && node.op !== 'conv2d' && node.op !== 'depthwise_conv2d') continue;
    const activation = activationAfter(graph, readers, node.id);
    if (activation === null) continue;
    fused.set(node.id, activation.kind);
    applied.add(activation.node.id);
  }
  return { graph, fused, applied };
}

/**
 * One pass. `training` null is evaluation mode: running statistics, no dropout. Call inside tf.tidy.
 * `images` is [n, height, width, 3].
 */
export function runForward(
  plan: ForwardPlan,
  images: Tensor4D,
  parameters: ReadonlyMap<string, Tensor>,
  kernels: Kernels,
  training: TrainingPass | null,
): ForwardResult {
  const { graph } = plan;
  const context: ForwardContext = {
    kernels,
    training: training !== null,
    parameter: (node, role) => {
      const name = node.parameters[role];
      return name === undefined ? undefined : parameters.get(name);
    },
    usesBatchStatistics: (node) => training !== null && !training.frozenNorms.has(node.id),
    reportStatistics: (node, mean, varBiased, count) => training?.report(node.id, mean, varBiased, count),
    fusedActivation: (node) => plan.fused.get(node.id) ?? 'none',
    random: (node) => stream(training?.seed ?? 0, 'dropout', training?.step ?? 0, node.id),
  };

  const values = new Map<string, Tensor>();
  const valueOf = (id: string): Tensor => {
    const value = values.get(id);
    if (value === undefined) throw brokenGraph(`Node "${id}" is read before it is computed.`);
    return value;
  };
  for (const node of graph.nodes) {
    const inputs = node.inputs.map(valueOf);
    if (node.op === 'input') values.set(node.id, images);
    else values.set(node.id, plan.applied.has(node.id) ? inputs[0] : forwardNode(node, inputs, context));
  }
  return {
    output: valueOf(graph.output),
    features: graph.features === undefined ? null : valueOf(graph.features),
  };
}

function brokenGraph(found: string): TrainyardError {
  return new TrainyardError('graph-broken', found, 'Build the graph again.', { badInput: false });
}
