// Divides a backbone into stages for fine-tuning: what lies between two halvings of the resolution, or a quarter of a transformer's
// blocks. Reads the graph alone, so that it works for imported networks as well. Knows nothing of rates or freezing.

import { TrainyardError } from '$lib/core/errors';
import { readersOf } from './readers';
import type { Graph, GraphNode } from './types';

export interface Stage {
  /** For people: 'stage 2 (56 x 56)', 'stage 1 (blocks 1 to 3)'. */
  name: string;
  /** Trainable parameters and running statistics, in the graph's order. */
  parameters: readonly string[];
  /** Ids of its batch norms. */
  norms: readonly string[];
}

/** Groups of blocks of a network that keeps its resolution. */
const TRANSFORMER_STAGES = 4;

/** The backbone's stages, first to last; each of its parameters is in exactly one. Throws 'graph-features'. */
export function stagesOf(graph: Graph): readonly Stage[] {
  const backbone = backboneNodes(graph);
  const blocks = attentionStarts(backbone);
  const { level, describe } = blocks.length > 1 ? byBlocks(backbone, blocks) : byResolution(backbone);

  const levelOf = new Map<string, number>();
  const readers = readersOf(graph);
  for (const node of backbone) {
    if (Object.keys(node.parameters).length === 0) continue;
    // A token or a layer scale has no place of its own: it belongs to what reads it.
    const placed = node.op === 'parameter' ? (readers.get(node.id) ?? [node]) : [node];
    const own = Math.min(...placed.map((one) => level.get(one.id) ?? 0));
    // Shared by two layers: with the first of them, which is the last to be let go.
    for (const name of Object.values(node.parameters)) levelOf.set(name, Math.min(own, levelOf.get(name) ?? own));
  }
  const levels = [...new Set(levelOf.values())].sort((a, b) => a - b);
  return levels.map((wanted, index) => ({
    name: `stage ${index + 1} (${describe(wanted)})`,
    parameters: graph.parameters.map(({ name }) => name).filter((name) => levelOf.get(name) === wanted),
    norms: backbone
      .filter(({ op, parameters }) => op === 'batch_norm' && levelOf.get(parameters.weight) === wanted)
      .map(({ id }) => id),
  }));
}

/** The features' node and all that it is computed from, in the graph's order. */
function backboneNodes(graph: Graph): GraphNode[] {
  const { features } = graph;
  if (features === undefined) {
    throw new TrainyardError(
      'graph-features',
      'This network does not say where its features end and its classifier begins, so that no part of it can be frozen.',
      'Train everything (fine_tune.train: "all").',
    );
  }
  const wanted = new Set([features]);
  for (const node of [...graph.nodes].reverse()) {
    if (wanted.has(node.id)) for (const input of node.inputs) wanted.add(input);
  }
  return graph.nodes.filter(({ id }) => wanted.has(id));
}

interface Division {
  /** Of each node; counts from 0 and never falls along a path. */
  level: ReadonlyMap<string, number>;
  describe(level: number): string;
}

/** Levels are halvings since the input, of the smallest resolution on the way there. */
function byResolution(nodes: readonly GraphNode[]): Division {
  const [input] = nodes;
  const level = new Map<string, number>();
  const sizes = new Map<number, string>();
  // What a global pool gave has no resolution: squeeze-and-excite and last layers stay where they branched off.
  const pooled = new Set<string>();
  for (const node of nodes) {
    const before = Math.max(0, ...node.inputs.map((id) => level.get(id) ?? 0));
    const isPooled =
      node.op === 'global_avg_pool' || (node.inputs.length > 0 && node.inputs.every((id) => pooled.has(id)));
    if (isPooled) pooled.add(node.id);
    if (isPooled || node.shape.length !== 3) {
      level.set(node.id, before);
      continue;
    }
    const [height, width] = node.shape;
    const own = Math.max(before, Math.round(Math.log2(input.shape[0] / height)));
    level.set(node.id, own);
    if (!sizes.has(own)) sizes.set(own, `${height} x ${width}`);
  }
  return { level, describe: (wanted) => sizes.get(wanted) ?? '1 x 1' };
}

/** Where each transformer block begins, as an index into `nodes`; empty for other networks. */
function attentionStarts(nodes: readonly GraphNode[]): number[] {
  // The nearest residual sum on the way to each node.
  const sum = new Map<string, number>();
  const starts: number[] = [];
  nodes.forEach((node, at) => {
    const before = Math.max(-1, ...node.inputs.map((id) => sum.get(id) ?? -1));
    sum.set(node.id, node.op === 'add' && node.shape.length === 2 ? at : before);
    if (node.op === 'attention') starts.push(before + 1);
  });
  return starts.filter((start, block) => block === 0 || start > starts[block - 1]);
}

/** Four groups of as many blocks each as can be; what comes before the first block belongs to it, what comes after the last to that. */
function byBlocks(nodes: readonly GraphNode[], starts: readonly number[]): Division {
  const groups = Math.min(TRANSFORMER_STAGES, starts.length);
  const first = Array.from({ length: groups + 1 }, (_, group) => Math.round((group * starts.length) / groups));
  const groupOf = (block: number): number => first.findLastIndex((from) => from <= block);
  const level = new Map(
    nodes.map(({ id }, at) => {
      const block = Math.max(
        0,
        starts.findLastIndex((start) => start <= at),
      );
      return [id, groupOf(block)];
    }),
  );
  return { level, describe: (group) => `blocks ${first[group] + 1} to ${first[group + 1]}` };
}
