// Walks a graph with tfjs: evaluation or training mode, a layer and its ReLU in one pass where that is possible.

import type { Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';
import { TrainyardError } from '$lib/core/errors';
import { stream } from '$lib/core/random';
import type { ForwardContext, Kernels } from '$lib/graph/ops/forward';
import { forwardNode } from '$lib/graph/ops/tfjs';
import { activationAfter, readersOf } from '$lib/graph/readers';
import type { Graph, GraphNode } from '$lib/graph/types';
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
  /** Which part of the batch, 0 for the first or only one. */
  part: number;
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

/** What a pass needs not compute because it is there already: some nodes, and the values of those that others read. */
export interface Computed {
  nodes: ReadonlySet<string>;
  values: Readonly<Record<string, Tensor>>;
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
  computed: Computed = { nodes: new Set(), values: {} },
): ForwardResult {
  const { graph } = plan;
  const values = new Map(Object.entries(computed.values));
  const nodes = graph.nodes.filter(({ id }) => !computed.nodes.has(id));
  compute(plan, nodes, values, images, parameters, kernels, training);
  return {
    output: valueIn(values, graph.output),
    features: graph.features === undefined ? null : (values.get(graph.features) ?? null),
  };
}

/**
 * Evaluates some nodes, {@link frozenNodes}, and returns what nodes beyond them read. Call inside tf.tidy, outside of a gradient: no
 * activation is then kept for a backward pass that never comes.
 */
export function runNodes(
  plan: ForwardPlan,
  ids: ReadonlySet<string>,
  images: Tensor4D,
  parameters: ReadonlyMap<string, Tensor>,
  kernels: Kernels,
): Record<string, Tensor> {
  const { graph } = plan;
  const values = new Map<string, Tensor>();
  const inside = graph.nodes.filter(({ id }) => ids.has(id));
  compute(plan, inside, values, images, parameters, kernels, null);
  const read = new Set(graph.nodes.flatMap(({ id, inputs }) => (ids.has(id) ? [] : inputs)));
  read.add(graph.output);
  return Object.fromEntries([...values].filter(([id]) => read.has(id)));
}

/**
 * Nodes that no moving parameter reaches, up to the last layers that have parameters at all. Layers without any behind those (a pool,
 * the dropout of a head) belong to what learns. Frozen layers are evaluated: no stochastic depth, no batch statistics.
 */
export function frozenNodes(
  graph: Graph,
  moves: ReadonlySet<string>,
  frozenNorms: ReadonlySet<string>,
): ReadonlySet<string> {
  const still = new Set<string>();
  for (const { id, op, inputs, parameters } of graph.nodes) {
    const learns =
      Object.values(parameters).some((name) => moves.has(name)) || (op === 'batch_norm' && !frozenNorms.has(id));
    if (!learns && inputs.every((input) => still.has(input))) still.add(id);
  }
  const wanted = new Set<string>();
  for (const { id, op, inputs, parameters } of graph.nodes.toReversed()) {
    const layer = op === 'drop_path' || Object.keys(parameters).length > 0;
    if (!still.has(id) || (!wanted.has(id) && !layer)) continue;
    for (const needed of [id, ...inputs]) wanted.add(needed);
  }
  return wanted;
}

/** Adds the values of `nodes`. */
function compute(
  plan: ForwardPlan,
  nodes: readonly GraphNode[],
  values: Map<string, Tensor>,
  images: Tensor4D,
  parameters: ReadonlyMap<string, Tensor>,
  kernels: Kernels,
  training: TrainingPass | null,
): void {
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
    random: (node) => {
      const { seed = 0, step = 0, part = 0 } = training ?? {};
      return stream(seed, 'dropout', step, node.id, ...(part === 0 ? [] : [part]));
    },
  };

  for (const node of nodes) {
    const inputs = node.inputs.map((id) => valueIn(values, id));
    if (node.op === 'input') values.set(node.id, images);
    else values.set(node.id, plan.applied.has(node.id) ? inputs[0] : forwardNode(node, inputs, context));
  }
}

function valueIn(values: ReadonlyMap<string, Tensor>, id: string): Tensor {
  const value = values.get(id);
  if (value === undefined) throw brokenGraph(`Node "${id}" is read before it is computed.`);
  return value;
}

function brokenGraph(found: string): TrainyardError {
  return new TrainyardError('graph-broken', found, 'Build the graph again.', { badInput: false });
}
