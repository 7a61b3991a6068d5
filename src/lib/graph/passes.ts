// From one graph to another that computes the same, or the same after normalisation. The given graph is never changed.

import { TrainyardError } from '$lib/core/errors';
import { onlyReader, readersOf } from './readers';
import type { Graph, GraphNode, NodeOf, ParameterSpecification, ParameterValues } from './types';

const NORMALIZATION = 'normalization';

/** The graph with (x - mean) / std per channel behind its input, which then is RGB in 0..1. */
export function withNormalization(graph: Graph, mean: readonly number[], std: readonly number[]): Graph {
  const [input, ...rest] = graph.nodes;
  const channels = input.shape[input.shape.length - 1];
  if (mean.length !== channels || std.length !== channels || std.some((value) => !(value > 0))) {
    throw new TrainyardError(
      'normalization',
      `${channels} channels need as many means and positive standard deviations, found [${mean.join(', ')}] and [${std.join(', ')}].`,
      'Check the preprocessing settings.',
    );
  }
  if (graph.nodes.some((node) => node.id === NORMALIZATION)) {
    throw new TrainyardError('normalization', 'The graph normalises its input already.', '', { badInput: false });
  }
  const affine: NodeOf<'affine'> = {
    id: NORMALIZATION,
    op: 'affine',
    inputs: [input.id],
    attributes: { scale: std.map((value) => 1 / value), shift: mean.map((value, c) => -value / std[c]) },
    parameters: {},
    shape: input.shape,
  };
  const moved = renameInputs(rest, new Map([[input.id, NORMALIZATION]]));
  return { ...graph, nodes: [input, affine, ...moved] };
}

/**
 * The evaluation-mode graph with each batch norm folded into the layer before it, where that layer has no other reader:
 * w' = w * gamma / sqrt(var + epsilon), b' = (b - mean) * gamma / sqrt(var + epsilon) + beta. Other batch norms stay.
 * Values are copies. Not for training: the batch's own statistics are gone.
 */
export function foldBatchNorm(
  graph: Graph,
  values: ParameterValues,
): { graph: Graph; parameters: Map<string, Float32Array> } {
  const readers = readersOf(graph);
  const byId = new Map(graph.nodes.map((node) => [node.id, node]));
  const specifications = new Map(graph.parameters.map((parameter) => [parameter.name, parameter]));
  const folded = new Map<string, GraphNode>();
  const renamed = new Map<string, string>();
  const results = new Map<string, Float32Array>();
  const dropped = new Set<string>();
  const biases = new Map<string, ParameterSpecification>();

  for (const norm of graph.nodes) {
    if (norm.op !== 'batch_norm') continue;
    const layer = byId.get(norm.inputs[0]);
    if (layer === undefined || !isLinear(layer) || onlyReader(graph, readers, layer.id)?.id !== norm.id) continue;
    const weight = specifications.get(layer.parameters.weight);
    if (weight === undefined) continue;
    const { scale, shift } = scaleAndShift(norm, values);
    const bias = layer.parameters.bias as string | undefined;
    const biasName = bias ?? `${layer.id}.bias`;
    const before = bias === undefined ? null : read(values, bias);
    results.set(weight.name, scaleOutputs(read(values, weight.name), weight, scale));
    results.set(
      biasName,
      Float32Array.from(shift, (value, c) => value + scale[c] * (before?.[c] ?? 0)),
    );
    if (bias === undefined) biases.set(weight.name, biasSpecification(biasName, scale.length));
    for (const name of Object.values(norm.parameters)) dropped.add(name);
    folded.set(layer.id, withParameters(layer, { ...layer.parameters, bias: biasName }));
    renamed.set(norm.id, layer.id);
  }

  const nodes = graph.nodes.filter((node) => !renamed.has(node.id)).map((node) => folded.get(node.id) ?? node);
  const parameters = graph.parameters
    .filter((parameter) => !dropped.has(parameter.name))
    .flatMap((parameter) => [parameter, ...(biases.has(parameter.name) ? [biases.get(parameter.name)] : [])])
    .filter((parameter) => parameter !== undefined);
  for (const { name } of parameters) if (!results.has(name)) results.set(name, read(values, name).slice());
  return {
    graph: {
      ...graph,
      nodes: renameInputs(nodes, renamed),
      output: renamed.get(graph.output) ?? graph.output,
      ...(graph.features === undefined ? {} : { features: renamed.get(graph.features) ?? graph.features }),
      parameters,
    },
    parameters: results,
  };
}

type LinearNode = NodeOf<'conv2d'> | NodeOf<'depthwise_conv2d'> | NodeOf<'conv_transpose2d'> | NodeOf<'linear'>;

function isLinear(node: GraphNode): node is Extract<GraphNode, LinearNode> {
  return ['conv2d', 'depthwise_conv2d', 'conv_transpose2d', 'linear'].includes(node.op);
}

function withParameters(node: GraphNode, parameters: Readonly<Record<string, string>>): GraphNode {
  return { ...node, parameters };
}

function renameInputs(nodes: readonly GraphNode[], names: ReadonlyMap<string, string>): GraphNode[] {
  return nodes.map((node) => ({ ...node, inputs: node.inputs.map((id) => names.get(id) ?? id) }));
}

function read(values: ParameterValues, name: string): Float32Array {
  const found = values.get(name);
  if (found !== undefined) return found;
  throw new TrainyardError(
    'parameter-mismatch',
    `Parameter "${name}" is missing.`,
    'These weights are of another model.',
  );
}

/** What batch norm does to each channel in evaluation mode, in double precision. */
function scaleAndShift(norm: NodeOf<'batch_norm'>, values: ParameterValues): { scale: number[]; shift: number[] } {
  const [gamma, beta, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map((role) =>
    read(values, norm.parameters[role]),
  );
  const scale = Array.from(gamma, (value, c) => value / Math.sqrt(variance[c] + norm.attributes.epsilon));
  return { scale, shift: scale.map((value, c) => beta[c] - mean[c] * value) };
}

/** The weight with each output channel scaled; which index is the output channel depends on the layout. */
function scaleOutputs(values: Float32Array, { layout, shape }: ParameterSpecification, scale: number[]): Float32Array {
  // conv_transpose is [h, w, out, in]; everywhere else the output is what varies fastest ([..., c, m] together for depthwise).
  const inner = layout === 'conv_transpose' ? shape[shape.length - 1] : 1;
  return values.map((value, at) => value * scale[Math.floor(at / inner) % scale.length]);
}

function biasSpecification(name: string, channels: number): ParameterSpecification {
  return { name, shape: [channels], layout: 'plain', trainable: true, decay: false, initializer: { kind: 'zeros' } };
}

/** Names of the trainable parameters of everything but the classifier: what a fine-tuning run freezes. */
export function backboneParameters(graph: Graph): Set<string> {
  const readers = readersOf(graph);
  const head = new Set<string>();
  const visit = (id: string): void => {
    for (const node of readers.get(id) ?? []) {
      for (const name of Object.values(node.parameters)) head.add(name);
      visit(node.id);
    }
  };
  if (graph.features !== undefined) visit(graph.features);
  return new Set(
    graph.parameters.filter(({ name, trainable }) => trainable && !head.has(name)).map(({ name }) => name),
  );
}
