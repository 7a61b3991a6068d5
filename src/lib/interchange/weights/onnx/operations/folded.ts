// PyTorch's nn.MultiheadAttention joins the batch with the heads, [tokens, batch * heads, d], and with the tokens, [tokens * batch,
// features]. No image meets another in that: the joined tensor stands for the one before it until the axes part again.

import type { Shape } from '$lib/graph/types';
import type { NodeReader } from '../importer';
import { BATCH } from '../traced';
import type { Activation, Traced } from '../traced';

export type Folded = Extract<Traced, { what: 'folded' }>;

/** The shape as ONNX has it. */
export function foldedShape(node: NodeReader, { x, at }: Folded): Shape {
  const shape = node.shapeOf(x);
  return [...shape.slice(0, at), shape[at] * shape[at + 1], ...shape.slice(at + 2)];
}

/** The last axis of x in two, or the last two in one. */
function withLast(node: NodeReader, { value, axes }: Activation, lengths: Shape): Activation {
  const own = value.shape.map((_, axis) => axis);
  const last = axes.slice(axes.length - (lengths.length === 1 ? 2 : 1));
  // Only the channels of our own order can be split or joined without moving anything.
  if (last.some((axis, at) => axis !== own.length - last.length + at)) {
    throw node.unsupported('joins the batch with an axis that is not in its place');
  }
  const front = value.shape.slice(0, own.length - last.length);
  const reshaped = node.builder.reshape(value, [...front, ...lengths]);
  const places = lengths.map((_, at) => front.length + at);
  return { what: 'activation', value: reshaped, axes: [...axes.slice(0, axes.length - last.length), ...places] };
}

/** A reshape of [tokens, batch, features] that joins the batch with something; null where it is another. */
export function folded(node: NodeReader, x: Activation, target: Shape): Folded | null {
  if (x.axes.length !== 3 || x.axes[1] !== BATCH) return null;
  const [tokens, batch, features] = node.shapeOf(x);
  if (target.length === 2 && target[0] === tokens * batch) return { what: 'folded', x, at: 0 };
  const heads = target[1] / batch;
  if (target.length !== 3 || target[0] !== tokens || !Number.isInteger(heads) || heads * target[2] !== features)
    return null;
  return { what: 'folded', x: withLast(node, x, [heads, target[2]]), at: 1 };
}

/** The reverse, or from one form to the other. */
export function unfolded(node: NodeReader, { x, at }: Folded, target: Shape): Traced {
  const shape = node.shapeOf(x);
  if (at === 0 && target.join() === shape.join()) return x;
  if (at === 1 && shape.length === 4) {
    const [tokens, batch, heads, width] = shape;
    const joined = withLast(node, x, [heads * width]);
    if (target.join() === [tokens, batch, heads * width].join()) return joined;
    if (target.join() === [tokens * batch, heads * width].join()) return { what: 'folded', x: joined, at: 0 };
  }
  throw node.unsupported(`makes [${target.join(', ')}] of a tensor whose batch is joined with another axis`);
}

export function transposed(node: NodeReader, { x, at }: Folded): Folded {
  const rank = x.axes.length - 1;
  const order = node.list('perm') ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
  if (order.length !== rank || new Set(order).size !== rank || order.some((axis) => axis < 0 || axis >= rank)) {
    throw node.unsupported(`has the order [${order.join(', ')}] for ${rank} axes`);
  }
  const axes = order.flatMap((axis) =>
    axis === at ? [x.axes[at], x.axes[at + 1]] : [x.axes[axis < at ? axis : axis + 1]],
  );
  return { what: 'folded', x: { ...x, axes }, at: order.indexOf(at) };
}

/** Batch and heads as the first two axes, which is how attention has them otherwise. */
export function asHeads(node: NodeReader, value: Traced | null): Activation | null {
  if (value?.what !== 'folded') return null;
  if (value.at !== 0 || value.x.axes[0] !== BATCH || value.x.axes.length !== 4) {
    throw node.unsupported('attends across the batch');
  }
  return value.x;
}
