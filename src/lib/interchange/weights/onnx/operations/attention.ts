// MatMul and Softmax, on their own and as attention: softmax(scale * q k^T) v with heads as an axis of their own.

import { elements } from '$lib/graph/ops/operation';
import type { Value } from '$lib/graph/builder';
import type { NodeReader, Reader } from '../importer';
import { axisOf, permute } from '../traced';
import type { Activation, Traced } from '../traced';
import { asHeads } from './folded';
import { matMulConstant, matMulDirection } from './layers';

export const matMul: Reader = async (node) => {
  const [first, second] = [node.input(0), node.input(1)];
  if (second?.what === 'constant' && first?.what === 'folded') {
    return { ...first, x: await matMulConstant(node, first.x, second) };
  }
  const [a, b] = [asHeads(node, first) ?? first, asHeads(node, second) ?? second];
  if (a?.what === 'activation' && b?.what === 'constant') return matMulConstant(node, a, b);
  if (a?.what === 'scores' && second?.what === 'folded' && b?.what === 'activation') {
    return { what: 'folded', x: attended(node, a, b), at: 0 };
  }
  if (a?.what === 'direction' && b?.what === 'constant') return matMulDirection(node, a.x, b);
  if (a?.what === 'scores' && b?.what === 'activation') return attended(node, a, b);
  if (a?.what === 'activation' && b?.what === 'activation') {
    if (a.axes.length !== b.axes.length || a.axes.length < 3) throw node.unsupported('multiplies two activations');
    const rank = first?.what === 'folded' ? a.axes.length - 1 : a.axes.length;
    return { what: 'scores', q: a, k: b, rank, scale: 1, softmax: false };
  }
  throw node.unsupported('multiplies what is not a layer or an attention');
};

export const softmax: Reader = (node) => {
  const x = node.input(0);
  const axis = (rank: number): number => axisOf(node.int('axis', node.opset < 13 ? 1 : -1), rank);
  if (x?.what === 'scores' && !x.softmax) {
    if (axis(x.rank) !== x.rank - 1) throw node.unsupported('of attention scores is not over the keys');
    return { ...x, softmax: true };
  }
  const y = node.activation(0);
  const rank = y.axes.length;
  const at = axis(rank);
  // Before opset 13 everything from the axis on was one row.
  if (node.opset < 13 && elements(node.shapeOf(y).slice(at + 1)) !== 1) throw node.unsupported('is over several axes');
  const place = y.axes[at];
  if (place === -1) throw node.unsupported('is over the batch');
  const order = [...y.value.shape.map((_, axis) => axis).filter((axis) => axis !== place), place];
  const value = node.builder.softmax(permute(node.builder, y.value, order), node.name());
  return { what: 'activation', value, axes: y.axes.map((axis) => (axis === -1 ? -1 : order.indexOf(axis))) };
};

/**
 * [batch, heads..., tokens, d] (the last two axes swapped for keys) as our [tokens, heads * d].
 */
function together(node: NodeReader, { value, axes }: Activation, turned: boolean): { value: Value; heads: number } {
  const rank = axes.length;
  const [tokens, width] = turned ? [axes[rank - 1], axes[rank - 2]] : [axes[rank - 2], axes[rank - 1]];
  const heads = axes.slice(1, rank - 2);
  if (axes[0] !== -1 || tokens === -1 || width === -1) throw node.unsupported('attends across the batch');
  const order = [tokens, ...heads, width];
  const moved = permute(node.builder, value, order);
  const count = elements(heads.map((axis) => value.shape[axis]));
  const shape = [value.shape[tokens], count * value.shape[width]];
  const same = moved.shape.length === 2;
  return { value: same ? moved : node.builder.reshape(moved, shape), heads: count };
}

function attended(node: NodeReader, scores: Extract<Traced, { what: 'scores' }>, v: Activation): Activation {
  const { q, k, scale, softmax: normal } = scores;
  if (!normal) throw node.unsupported('multiplies three activations without a softmax');
  const rank = v.axes.length;
  const keys = together(node, k, true);
  const values = together(node, v, false);
  const queries = together(node, q, false);
  if (q.axes.length !== rank || queries.heads !== keys.heads || queries.heads !== values.heads) {
    throw node.unsupported('has heads that do not fit together');
  }
  const { heads } = queries;
  const width = queries.value.shape[1] / heads;
  // Ours divides by sqrt(d) itself.
  const factor = scale * Math.sqrt(width);
  const fill = (value: number): number[] => Array<number>(queries.value.shape[1]).fill(value);
  const scaled =
    Math.abs(factor - 1) < 1e-5 ? queries.value : node.importer.affine(queries.value, fill(factor), fill(0));
  const y = node.builder.attention(scaled, keys.value, values.value, heads, node.name());
  const [tokens, features] = y.shape;
  const headShape = v.axes.slice(1, rank - 2).map((axis) => v.value.shape[axis]);
  const value = headShape.length === 0 ? y : node.builder.reshape(y, [tokens, ...headShape, features / heads]);
  const inner = headShape.map((_, at) => at + 1);
  return { what: 'activation', value, axes: [-1, ...inner, 0, headShape.length + 1] };
}
