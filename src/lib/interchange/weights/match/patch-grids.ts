// Position embeddings of vision transformers, which have a row for each patch of one image size: finds the grids of the file and of
// the model, so that one can be resampled to the other.

import type { Graph, Pair, Shape } from '$lib/graph/types';
import { resamplePositionEmbedding } from '$lib/models/position-embedding';
import type { Wanted } from './model-side';

export interface PatchGrids {
  /** [rows, columns] of patches. */
  from: Pair;
  to: Pair;
  width: number;
  /** Rows in front of the patches': class tokens. */
  prefixTokens: number;
}

/** Class token and distillation token. */
const MOST_PREFIX_TOKENS = 2;

/**
 * Null where the parameter is no position embedding [1, tokens, width] of the patches of a convolution, or the file's patches, of
 * which nothing else is known, make no square.
 */
export function patchGrids(graph: Graph, { name, role, shape }: Wanted, found: Shape): PatchGrids | null {
  if (role !== 'value' || !/(^|[._])pos(ition)?_embed(ding)?s?$/.test(name)) return null;
  const [tokens, width] = shape.slice(-2);
  const [foundTokens, foundWidth] = found.slice(-2);
  if (width === undefined || foundWidth !== width || found.length > 3 || found.length < 2) return null;
  for (const node of graph.nodes) {
    if (node.op !== 'conv2d' || node.shape[2] !== width) continue;
    const [rows, columns] = node.shape;
    const prefixTokens = tokens - rows * columns;
    const side = Math.sqrt(foundTokens - prefixTokens);
    if (prefixTokens < 0 || prefixTokens > MOST_PREFIX_TOKENS || !Number.isInteger(side) || side < 1) continue;
    return { from: [side, side], to: [rows, columns], width, prefixTokens };
  }
  return null;
}

/** A fresh array. */
export function resample(values: Float32Array, { from, to, width, prefixTokens }: PatchGrids): Float32Array {
  return resamplePositionEmbedding(values, from, to, width, prefixTokens);
}
