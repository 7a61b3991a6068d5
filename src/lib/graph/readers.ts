// Who reads what in a graph.

import type { Graph, GraphNode, NodeOf } from './types';

/** For each node id, the nodes that read its output, in order. */
export function readersOf(graph: Graph): ReadonlyMap<string, readonly GraphNode[]> {
  const readers = new Map<string, GraphNode[]>(graph.nodes.map((node) => [node.id, []]));
  for (const node of graph.nodes) {
    for (const input of node.inputs) readers.get(input)?.push(node);
  }
  return readers;
}

/** The only reader of a node; null when there are several, none, or the graph itself gives the node's output out. */
export function onlyReader(
  graph: Graph,
  readers: ReadonlyMap<string, readonly GraphNode[]>,
  id: string,
): GraphNode | null {
  if (id === graph.output || id === graph.features) return null;
  const [reader, ...others] = readers.get(id) ?? [];
  return reader === undefined || others.length > 0 ? null : reader;
}

/** A ReLU or ReLU6 that alone reads this node: the two can be computed in one pass. */
export function activationAfter(
  graph: Graph,
  readers: ReadonlyMap<string, readonly GraphNode[]>,
  id: string,
): { node: NodeOf<'activation'>; kind: 'relu' | 'relu6' } | null {
  const reader = onlyReader(graph, readers, id);
  if (reader?.op !== 'activation') return null;
  const { kind } = reader.attributes;
  return kind === 'relu' || kind === 'relu6' ? { node: reader, kind } : null;
}
