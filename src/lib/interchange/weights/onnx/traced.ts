// What a tensor name of an ONNX graph stands for while the graph is walked, and the bookkeeping of axes. An activation is a value of
// our graph and, for each of its ONNX axes, which of our axes that is: a Transpose costs nothing until somebody needs the order.

import type { GraphBuilder, Value } from '$lib/graph/builder';
import type { Shape } from '$lib/graph/types';
import type { Constant } from './constant';
import { Unsupported } from './constant';

export const BATCH = -1;

export interface Activation {
  what: 'activation';
  value: Value;
  /** For each ONNX axis the axis of `value` (per sample), or BATCH. Each of them once. */
  axes: readonly number[];
}

/** Results that only make sense together with what comes next. */
export type Partial =
  /** factor * (erf(x / sqrt 2) + offset): half of a GELU. */
  | { what: 'erf'; x: Activation; factor: number; offset: number }
  /** Mean over the last ONNX axis, kept. */
  | { what: 'mean'; x: Activation }
  /** x - mean(x). */
  | { what: 'centred'; x: Activation }
  | { what: 'squares'; x: Activation }
  /** sqrt-less variance, epsilon added. */
  | { what: 'variance'; x: Activation; epsilon: number }
  | { what: 'deviation'; x: Activation; epsilon: number }
  /** A layer norm that may still get its scale. */
  | { what: 'normal'; x: Activation; epsilon: number; scale: Constant | null }
  /** Length of x along the last ONNX axis, kept; or x divided by it. */
  | { what: 'length'; x: Activation }
  | { what: 'direction'; x: Activation }
  /** A group norm whose groups are still an axis of their own. */
  | { what: 'grouped'; x: Activation }
  /** x with its ONNX axes `at` and `at + 1` joined into one; one of the two is the batch. See operations/folded.ts. */
  | { what: 'folded'; x: Activation; at: number }
  /** scale * q k^T, perhaps after softmax; `rank` is ONNX's own. */
  | { what: 'scores'; q: Activation; k: Activation; rank: number; scale: number; softmax: boolean };

export type Traced = Constant | Activation | Partial;

/** Axes of [batch, channels, height, width] over our [height, width, channels]. */
const IMAGE = [BATCH, 2, 0, 1];

export function image(value: Value): Activation {
  return { what: 'activation', value, axes: IMAGE };
}

/** Our axes in our order behind the batch. */
export function plain(value: Value): Activation {
  return { what: 'activation', value, axes: [BATCH, ...value.shape.map((_, axis) => axis)] };
}

/** The shape as ONNX has it. */
export function onnxShape({ value, axes }: Activation, batch: number): Shape {
  return axes.map((axis) => (axis === BATCH ? batch : value.shape[axis]));
}

/** An axis that may count from the end. */
export function axisOf(axis: number, rank: number): number {
  const resolved = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || resolved < 0 || resolved >= rank) {
    throw new Unsupported(`Axis ${axis} is not one of ${rank}.`);
  }
  return resolved;
}

/** The value with its axes in the order of these ONNX axes (all but the batch). */
export function arranged(builder: GraphBuilder, { value, axes }: Activation, order: readonly number[]): Value {
  const wanted = order.map((axis) => axes[axis]);
  return permute(builder, value, wanted);
}

/** Our axes in another order. Where only axes of length 1 move, nothing is moved in memory. */
export function permute(builder: GraphBuilder, value: Value, order: readonly number[]): Value {
  if (order.every((axis, at) => axis === at)) return value;
  const long = order.filter((axis) => value.shape[axis] !== 1);
  const still = long.every((axis, at) => at === 0 || long[at - 1] < axis);
  if (still)
    return builder.reshape(
      value,
      order.map((axis) => value.shape[axis]),
    );
  return builder.transpose(value, order);
}

/** The same tensor with the axes of `value` in the order that `like` has them. Both have the same ONNX rank. */
export function inOrderOf(builder: GraphBuilder, x: Activation, like: readonly number[]): Value {
  // like[onnx axis] is where that axis has to go.
  const order = new Array<number>(x.value.shape.length);
  for (const [axis, place] of like.entries()) {
    if ((place === BATCH) !== (x.axes[axis] === BATCH)) throw new Unsupported('The batch axis meets another one.');
    if (place !== BATCH) order[place] = x.axes[axis];
  }
  return permute(builder, x.value, order);
}

/** Groups of neighbouring axes whose products agree: [8, 3, 4] and [2, 4, 12] give [8]/[2, 4] and [3, 4]/[12]. */
function groups(from: Shape, to: Shape): { from: number[]; to: number[] }[] {
  const result: { from: number[]; to: number[] }[] = [];
  let i = 0;
  let j = 0;
  while (i < from.length || j < to.length) {
    const group = { from: [] as number[], to: [] as number[] };
    let a = 1;
    let b = 1;
    const takeFrom = (): void => {
      a *= from[i];
      group.from.push(i++);
    };
    const takeTo = (): void => {
      b *= to[j];
      group.to.push(j++);
    };
    if (i < from.length) takeFrom();
    if (j < to.length) takeTo();
    while (a !== b) {
      if (a < b && i < from.length) takeFrom();
      else if (a > b && j < to.length) takeTo();
      else throw new Unsupported(`[${from.join(', ')}] cannot become [${to.join(', ')}].`);
    }
    // Ones at the end belong to the last group.
    if (from.slice(i).every((n) => n === 1) && to.slice(j).every((n) => n === 1)) {
      while (i < from.length) takeFrom();
      while (j < to.length) takeTo();
    }
    result.push(group);
  }
  return result;
}

/**
 * ONNX's Reshape, in ONNX's order of axes, moved in memory only where it must be: groups of axes that are joined or split are
 * brought together in their order, groups stay where they are. `target` is per sample, behind the batch axis.
 */
export function reshape(builder: GraphBuilder, x: Activation, target: Shape): Activation {
  const { value, axes } = x;
  if (axes[0] !== BATCH) throw new Unsupported('The batch axis is moved and then reshaped.');
  const inner = axes.slice(1);
  const shape = inner.map((axis) => value.shape[axis]);
  if (shape.length === target.length && shape.every((length, at) => length === target[at])) return x;
  if (target.length === 0) throw new Unsupported('A reshape leaves one number for each image.');
  const split = groups(shape, target);
  // Groups in the order in which our axes have them, told by the first axis that is longer than one.
  const place = ({ from }: { from: number[] }): number => {
    const long = from.filter((at) => shape[at] !== 1);
    return Math.min(...(long.length > 0 ? long : from).map((at) => inner[at]));
  };
  const ordered = [...split].sort((a, b) => place(a) - place(b));
  const before = permute(
    builder,
    value,
    ordered.flatMap(({ from }) => from.map((at) => inner[at])),
  );
  const places = ordered.flatMap(({ to }) => to);
  const after = places.map((at) => target[at]);
  const same = after.length === before.shape.length && after.every((length, at) => length === before.shape[at]);
  const result = same ? before : builder.reshape(before, after);
  return { what: 'activation', value: result, axes: [BATCH, ...target.map((_, at) => places.indexOf(at))] };
}
