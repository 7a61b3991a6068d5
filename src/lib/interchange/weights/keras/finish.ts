// The end of an imported network made fit for training: its output are logits, its features are named, layers that nothing reads are
// gone, and zero padding is part of the convolution behind it.

import { inferShape } from '$lib/graph/ops';
import { elements } from '$lib/graph/ops/operation';
import { onlyReader, readersOf } from '$lib/graph/readers';
import type { Graph, GraphNode, NodeOf, OpAttributes, OpName, Padding } from '$lib/graph/types';
import { Unsupported } from './settings';

/** Layers with one input that leave a vector a vector. */
const TAIL: ReadonlySet<OpName> = new Set<OpName>([
  'linear',
  'conv2d',
  'depthwise_conv2d',
  'batch_norm',
  'layer_norm',
  'affine',
  'activation',
  'softmax',
  'dropout',
  'reshape',
]);
const WEIGHTED: ReadonlySet<OpName> = new Set<OpName>(['linear', 'conv2d']);

/** `graph` as a walk over the layers left it. Throws Unsupported when there is nothing to take features from. */
export function finishGraph(graph: Graph): Graph {
  const { graph: logits, dropped } = withoutProbabilities(graph);
  return mergePadding(withoutUnused(withFeatures(logits, dropped)));
}

/** Softmax or sigmoid at the end go: losses take logits. */
function withoutProbabilities(graph: Graph): { graph: Graph; dropped: boolean } {
  const byId = new Map(graph.nodes.map((node) => [node.id, node]));
  let node = byId.get(graph.output);
  while (node?.op === 'reshape') node = byId.get(node.inputs[0]);
  if (node === undefined) return { graph, dropped: false };
  const probabilities = node.op === 'softmax' || (node.op === 'activation' && node.attributes.kind === 'sigmoid');
  const [before] = node.inputs;
  if (!probabilities || before === graph.nodes[0].id) return { graph, dropped: false };
  const { id } = node;
  const nodes = graph.nodes
    .filter((one) => one.id !== id)
    .map((one) => ({ ...one, inputs: one.inputs.map((input) => (input === id ? before : input)) }));
  return { graph: { ...graph, nodes, output: graph.output === id ? before : graph.output }, dropped: true };
}

/** One value for each channel, whatever the axes. */
function isVector({ shape }: GraphNode): boolean {
  return elements(shape) === Math.max(...shape);
}

/**
 * Names the features: where the chain of layers that ends in the output first is a vector, which is the last global pooling or
 * flattening before the dense layers. Where the classes themselves are pooled (SqueezeNet), what their convolution reads. Images at
 * the end (a network without its top) are pooled.
 */
function withFeatures(graph: Graph, classifies: boolean): Graph {
  const byId = new Map(graph.nodes.map((node) => [node.id, node]));
  const output = need(byId, graph.output);
  const input = graph.nodes[0];
  if (output.id === input.id) throw new Unsupported('model', 'The model has no layers that compute anything.');
  if (output.shape.length === 2) throw new Unsupported('output', 'The model gives a sequence out, not classes.');
  if (!isVector(output)) {
    const pooled = append(graph, 'features', 'global_avg_pool', output, { keepDims: false });
    return { ...pooled, features: pooled.output };
  }
  let features = output;
  let weighted = false;
  for (;;) {
    if (!TAIL.has(features.op)) break;
    const before = need(byId, features.inputs[0]);
    if (before.id === input.id || !isVector(before)) break;
    weighted ||= WEIGHTED.has(features.op);
    features = before;
  }
  // A reshape of a vector is the same vector; flattened images begin it.
  const flat = flattened(graph, output);
  if (weighted || !classifies) return { ...flat, features: weighted ? features.id : flat.output };
  let classes = need(byId, features.inputs[0] ?? input.id);
  while (!WEIGHTED.has(classes.op) && classes.inputs.length === 1) classes = need(byId, classes.inputs[0]);
  if (!WEIGHTED.has(classes.op)) return { ...flat, features: features.id };
  let behind = need(byId, classes.inputs[0]);
  while (behind.op === 'dropout') behind = need(byId, behind.inputs[0]);
  return { ...flat, features: behind.id === input.id ? features.id : behind.id };
}

/** Gives the output out as [classes]. */
function flattened(graph: Graph, output: GraphNode): Graph {
  return output.shape.length === 1
    ? graph
    : append(graph, 'output', 'reshape', output, { shape: [elements(output.shape)] });
}

function append<Op extends OpName>(
  graph: Graph,
  name: string,
  op: Op,
  x: GraphNode,
  attributes: OpAttributes[Op],
): Graph {
  const taken = new Set(graph.nodes.map(({ id }) => id));
  let id = name;
  for (let count = 2; taken.has(id); count++) id = `${name}_${count}`;
  const shape = inferShape(op, [x.shape], attributes);
  const node: NodeOf<Op> = { id, op, inputs: [x.id], attributes, parameters: {}, shape };
  // One member of the union, which TypeScript cannot see for a generic Op.
  return { ...graph, nodes: [...graph.nodes, node as GraphNode], output: id };
}

function need(byId: ReadonlyMap<string, GraphNode>, id: string): GraphNode {
  const node = byId.get(id);
  if (node !== undefined) return node;
  throw new Unsupported('model', 'The model reads a layer that it does not have.');
}

function withoutUnused(graph: Graph): Graph {
  const used = new Set([graph.output, graph.nodes[0].id]);
  for (const { id, inputs } of graph.nodes.toReversed()) {
    if (used.has(id)) for (const input of inputs) used.add(input);
  }
  const nodes = graph.nodes.filter(({ id }) => used.has(id));
  const names = new Set(nodes.flatMap(({ parameters }) => Object.values(parameters)));
  return { ...graph, nodes, parameters: graph.parameters.filter(({ name }) => names.has(name)) };
}

/** Keras pads in a layer of its own before convolutions of stride 2: a pass over the image that the convolution can do itself. */
function mergePadding(graph: Graph): Graph {
  const readers = readersOf(graph);
  const paddings = new Map<string, { input: string; padding: Padding }>();
  for (const node of graph.nodes) {
    if (node.op !== 'pad') continue;
    const reader = onlyReader(graph, readers, node.id);
    if (reader?.op === 'conv2d' || reader?.op === 'depthwise_conv2d') {
      paddings.set(node.id, { input: node.inputs[0], padding: node.attributes.padding });
    }
  }
  const nodes = graph.nodes
    .filter(({ id }) => !paddings.has(id))
    .map((node): GraphNode => {
      const merged = paddings.get(node.inputs[0] ?? '');
      if (merged === undefined) return node;
      if (node.op === 'conv2d') {
        const padding = sum(node.attributes.padding, merged.padding);
        return { ...node, inputs: [merged.input], attributes: { ...node.attributes, padding } };
      }
      if (node.op === 'depthwise_conv2d') {
        const padding = sum(node.attributes.padding, merged.padding);
        return { ...node, inputs: [merged.input], attributes: { ...node.attributes, padding } };
      }
      return node;
    });
  return { ...graph, nodes };
}

function sum(a: Padding, b: Padding): Padding {
  return [a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]];
}
