// Walks a graph with tfjs: evaluation or training mode, batch norm and its activation in one pass where that is possible.

import type { Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';
import { TrainyardError } from '$lib/core/errors';
import { stream } from '$lib/core/random';
import type { ForwardContext, Kernels } from '$lib/graph/ops/forward';
import { forwardNode } from '$lib/graph/ops/tfjs';
import type { Graph, GraphNode } from '$lib/graph/types';
import type { FusedActivation } from './wasm';

/** A graph with what a pass over it needs to know, worked out once. */
export interface ForwardPlan {
  graph: Graph;
  /** Batch norm id -> the activation that it applies itself in training. */
  fused: ReadonlyMap<string, FusedActivation>;
  /** Ids of the activations that a batch norm applies. */
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
  const readers = new Map<string, GraphNode[]>();
  for (const node of graph.nodes) {
    for (const input of node.inputs) readers.set(input, [...(readers.get(input) ?? []), node]);
  }
  const fused = new Map<string, FusedActivation>();
  const applied = new Set<string>();
  for (const node of graph.nodes) {
    if (node.op !== 'batch_norm' || node.id === graph.output || node.id === graph.features) continue;
    const [reader, ...others] = readers.get(node.id) ?? [];
    if (reader?.op !== 'activation' || others.length > 0) continue;
    const { kind } = reader.attributes;
    if (kind !== 'relu' && kind !== 'relu6') continue;
    fused.set(node.id, kind);
    applied.add(reader.id);
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
    const done = training !== null && plan.applied.has(node.id) && !training.frozenNorms.has(node.inputs[0]);
    if (node.op === 'input') values.set(node.id, images);
    else values.set(node.id, done ? inputs[0] : forwardNode(node, inputs, context));
  }
  return {
    output: valueOf(graph.output),
    features: graph.features === undefined ? null : valueOf(graph.features),
  };
}

function brokenGraph(found: string): TrainyardError {
  return new TrainyardError('graph-broken', found, 'Build the graph again.', { badInput: false });
}
