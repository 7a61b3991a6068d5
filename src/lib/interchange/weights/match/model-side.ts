// What a model wants of a file of weights: its tensors with their shapes, and which of them are its backbone's.

import { readersOf } from '$lib/graph/readers';
import { pyTorchShape } from '$lib/graph/layout';
import type { Graph, GraphNode, OpName, ParameterSpecification, Shape } from '$lib/graph/types';

export interface Wanted {
  specification: ParameterSpecification;
  name: string;
  /** PyTorch's. */
  shape: Shape;
  /** 'weight', 'bias', 'running_mean', ... in its operation. */
  role: string;
  op: OpName;
  /** The node that has it. */
  layer: string;
  /** False behind the features: the classifier. */
  backbone: boolean;
}

/** In the order of the graph's parameters. */
export function wantedBy(graph: Graph): readonly Wanted[] {
  const inBackbone = backboneOf(graph);
  const owners = new Map<string, { node: GraphNode; role: string }>();
  for (const node of graph.nodes) {
    for (const [role, name] of Object.entries(node.parameters)) if (!owners.has(name)) owners.set(name, { node, role });
  }
  return graph.parameters.flatMap((specification) => {
    const owner = owners.get(specification.name);
    if (owner === undefined) return [];
    const { node, role } = owner;
    return [
      {
        specification,
        name: specification.name,
        shape: pyTorchShape(specification),
        role,
        op: node.op,
        layer: node.id,
        backbone: inBackbone.has(node.id),
      },
    ];
  });
}

/** Ids of the nodes up to the features; of all but the last layer with parameters where the graph names no features. */
function backboneOf(graph: Graph): ReadonlySet<string> {
  if (graph.features === undefined) {
    const last = graph.nodes.findLast(({ parameters }) => Object.keys(parameters).length > 0);
    return new Set(graph.nodes.map(({ id }) => id).filter((id) => id !== last?.id));
  }
  const found = new Set([graph.features]);
  for (const { id, inputs } of graph.nodes.toReversed())
    if (found.has(id)) for (const input of inputs) found.add(input);
  return found;
}

/** Name of the kernel of the convolution that reads the image, through what only scales or pads it; null where several do. */
export function firstConvolution(graph: Graph): string | null {
  const readers = readersOf(graph);
  let [node] = graph.nodes;
  for (;;) {
    const [next, ...others] = readers.get(node.id) ?? [];
    if (next === undefined || others.length > 0) return null;
    if (next.op === 'conv2d') return next.parameters.weight;
    if (next.op !== 'affine' && next.op !== 'pad') return null;
    node = next;
  }
}

/** Shapes whose values lie in the same order: equal but for axes of length 1. */
export function sameShape(a: Shape, b: Shape): boolean {
  const [left, right] = [a, b].map((shape) => shape.filter((length) => length !== 1));
  return left.length === right.length && left.every((length, axis) => length === right[axis]);
}
