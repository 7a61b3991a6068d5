// Operations that move, cut and join activations.

import type { Shape } from '$lib/graph/types';
import { elements } from '$lib/graph/ops/operation';
import { numbers, sliced } from '../constant';
import type { NodeReader, Outcome, Reader } from '../importer';
import { arranged, axisOf, BATCH, image, inOrderOf, permute, reshape } from '../traced';
import type { Activation } from '../traced';
import { castsToFloat, reshapeTarget, shapeConstant, sliceRanges, splitLengths, squeezed, unsqueezed } from './fold';
import { folded, foldedShape, transposed, unfolded } from './folded';
import { imageOf } from './layers';

/** To an ONNX shape with the batch in front. */
function shaped(node: NodeReader, x: Activation, target: Shape): Activation {
  if (target[0] !== node.importer.batch) {
    throw node.unsupported(
      `mixes the images of a batch: [${node.shapeOf(x).join(', ')}] becomes [${target.join(', ')}]`,
    );
  }
  return reshape(node.builder, x, target.slice(1));
}

export const reshapeTo: Reader = async (node) => {
  const input = node.input(0);
  if (input?.what === 'folded') {
    return unfolded(node, input, await reshapeTarget(node, foldedShape(node, input)));
  }
  const x = input?.what === 'grouped' ? input.x : node.activation(0);
  const shape = node.shapeOf(x);
  const target = await reshapeTarget(node, shape);
  if (input?.what === 'grouped' && target.join() !== shape.join()) {
    throw node.unsupported('does not bring the groups of a normalisation together');
  }
  const joined = folded(node, x, target);
  if (joined !== null) return joined;
  const result = shaped(node, x, target);
  // PyTorch's group normalisation begins so.
  if (shape.length === 4 && target.length === 3) {
    node.importer.regrouped.set(result.value.id, { x, groups: target[1] });
  }
  return result;
};

export const flatten: Reader = (node) => {
  const x = node.activation(0);
  const shape = node.shapeOf(x);
  if (axisOf(node.int('axis', 1), shape.length) !== 1) throw node.unsupported('does not keep the batch alone');
  return shaped(node, x, [shape[0], elements(shape.slice(1))]);
};

/** Axes of length 1 may come and go wherever the batch is: PyTorch's unbind splits [3, batch, ...]. */
export const squeeze: Reader = async (node) => {
  const x = node.activation(0);
  const shape = node.shapeOf(x);
  const target = await squeezed(node, shape);
  if (x.axes[0] === BATCH) return shaped(node, x, target);
  const named = (await node.setting(1, 'axes'))?.map((axis) => axisOf(axis, shape.length));
  const axes = named ?? shape.flatMap((length, at) => (length === 1 ? [at] : []));
  return [...axes].sort((a, b) => b - a).reduce((result, axis) => dropped(node, result, axis), x);
};

export const unsqueeze: Reader = async (node) => {
  const x = node.activation(0);
  const target = await unsqueezed(node, node.shapeOf(x));
  if (x.axes[0] !== BATCH) throw node.unsupported('adds an axis to a tensor whose batch is not in front');
  return shaped(node, x, target);
};

export const transpose: Reader = (node) => {
  const input = node.input(0);
  if (input?.what === 'folded') return transposed(node, input);
  const x = node.activation(0);
  const order = node.list('perm') ?? x.axes.map((_, at) => x.axes.length - 1 - at);
  if (order.length !== x.axes.length || new Set(order).size !== order.length || order.some((at) => !(at in x.axes))) {
    throw node.unsupported(`has the order [${order.join(', ')}] for ${x.axes.length} axes`);
  }
  return { ...x, axes: order.map((at) => x.axes[at]) };
};

/** A part of one ONNX axis. */
function cut(node: NodeReader, x: Activation, axis: number, begin: number, size: number): Activation {
  const place = x.axes[axis];
  const length = node.shapeOf(x)[axis];
  if (begin === 0 && size === length) return x;
  if (place === -1) throw node.unsupported('takes images out of a batch');
  if (size < 1) throw node.unsupported('leaves nothing');
  return { ...x, value: node.builder.slice(x.value, { axis: place, begin, size }) };
}

export const slice: Reader = async (node) => {
  let x = node.activation(0);
  for (const { axis, begin, size, step } of await sliceRanges(node, node.shapeOf(x))) {
    if (step !== 1) throw node.unsupported(`has a step of ${step}`);
    x = cut(node, x, axis, begin, size);
  }
  return x;
};

export const split: Reader = async (node) => {
  const x = node.activation(0);
  const axis = axisOf(node.int('axis', 0), x.axes.length);
  let begin = 0;
  return (await splitLengths(node, node.shapeOf(x)[axis])).map((length) => {
    const part = cut(node, x, axis, begin, length);
    begin += length;
    return part;
  });
};

/** One place of an axis, whose axis goes, or a run of places. */
export const gather: Reader = async (node) => {
  const x = node.activation(0);
  const places = node.constant(1);
  const axis = axisOf(node.int('axis', 0), x.axes.length);
  const length = node.shapeOf(x)[axis];
  const [first, ...rest] = (await numbers(places)).map((place) => (place < 0 ? place + length : place));
  if (first === undefined || places.shape.length > 1 || rest.some((place, at) => place !== first + at + 1)) {
    throw node.unsupported('picks places that do not follow each other');
  }
  const part = cut(node, x, axis, first, rest.length + 1);
  return places.shape.length === 0 ? dropped(node, part, axis) : part;
};

/** Without an ONNX axis of length 1, wherever the batch is. */
function dropped(node: NodeReader, { value, axes }: Activation, axis: number): Activation {
  const place = axes[axis];
  if (place === -1) throw node.unsupported('takes images out of a batch');
  const shape = value.shape.filter((_, at) => at !== place);
  if (shape.length === 0) throw node.unsupported('leaves one number for each image');
  const kept = axes.filter((_, at) => at !== axis).map((at) => (at > place ? at - 1 : at));
  return { what: 'activation', value: node.builder.reshape(value, shape), axes: kept };
}

export const concat: Reader = async (node) => {
  const { builder, importer } = node;
  const inputs = node.node.inputs.map((_, at) => node.input(at));
  const like = inputs.find((input) => input?.what === 'activation');
  if (like?.what !== 'activation') throw node.unsupported('joins no activation');
  const rank = like.axes.length;
  const axis = axisOf(node.int('axis', 1), rank);
  const place = like.axes[axis];
  if (place === -1) throw node.unsupported('joins batches');
  const parts = [];
  for (const input of inputs) {
    if (input?.what === 'activation' && input.axes.length === rank) {
      parts.push(inOrderOf(builder, input, like.axes));
    } else if (input?.what === 'constant' && input.shape.length === rank) {
      // A learned token, the same for every image: of a repeated one the first.
      const batchAxis = like.axes.indexOf(-1);
      const one = { ...sliced(input, batchAxis, 0, 1, 1), name: input.name };
      const source = input.shape[batchAxis] === 1 ? input : one;
      const inner = like.axes.flatMap((at, onnx) => (at === -1 ? [] : [{ at, length: input.shape[onnx] }]));
      const shape = inner.map(({ length }) => length);
      const value = await importer.parameter(importer.names.tensor(node.node, source.name), source, shape);
      const order = inner.map((_, at) => inner.findIndex((candidate) => candidate.at === at));
      parts.push(permute(builder, value, order));
    } else throw node.unsupported('joins what does not fit');
  }
  if (parts.length === 1) return { ...like, value: parts[0] };
  return { ...like, value: builder.concat(parts, place, node.name()) };
};

export const pad: Reader = async (node) => {
  const x = node.activation(0);
  const pads = (await node.setting(1, 'pads')) ?? [];
  const value = node.optionalConstant(2);
  const [fill = 0] = value === null ? [node.number('value', 0)] : await numbers(value);
  const rank = x.axes.length;
  const axes = (await node.setting(3, 'axes'))?.map((axis) => axisOf(axis, rank)) ?? x.axes.map((_, at) => at);
  const at = (axis: number, end: boolean): number => {
    const index = axes.indexOf(axis);
    return index < 0 ? 0 : (pads[index + (end ? axes.length : 0)] ?? 0);
  };
  if (pads.every((amount) => amount === 0)) return x;
  if (node.text('mode', 'constant') !== 'constant' || fill !== 0)
    throw node.unsupported('pads with something else than zeros');
  if (pads.some((amount) => amount < 0)) throw node.unsupported('cuts by negative amounts');
  // Height and width are those of our image; which ONNX axes that is, depends on the layout.
  const moved = axes.filter((axis) => at(axis, false) + at(axis, true) > 0);
  const spatial =
    rank === 4 && x.axes.indexOf(-1) === 0 ? (moved.includes(3) && x.axes[3] === 2 ? [1, 2] : [2, 3]) : [];
  if (spatial.length === 0 || moved.some((axis) => !spatial.includes(axis))) {
    const nhwc = rank === 4 && moved.every((axis) => axis === 1 || axis === 2);
    if (!nhwc) throw node.unsupported('pads something else than height and width');
    const turned = arranged(node.builder, x, [1, 2, 3]);
    const y = node.builder.pad(turned, [at(1, false), at(1, true), at(2, false), at(2, true)], node.name());
    return { what: 'activation', value: y, axes: [-1, 0, 1, 2] };
  }
  const y = node.builder.pad(imageOf(node, x), [at(2, false), at(2, true), at(3, false), at(3, true)], node.name());
  return image(y);
};

export const cast: Reader = (node) => {
  if (!castsToFloat(node)) throw node.unsupported('makes integers of activations');
  return node.activation(0);
};

export const identity: Reader = (node) => node.activation(0);

export const shapeOf: Reader = (node) => {
  const input = node.input(0);
  const shape = input?.what === 'folded' ? foldedShape(node, input) : node.shapeOf(node.activation(0));
  return shapeConstant(node, shape);
};

export const sizeOf: Reader = (node): Outcome => {
  const shape = node.shapeOf(node.activation(0));
  return { ...shapeConstant(node, [elements(shape)]), shape: [] };
};

/** Repeating images is nothing when nothing is repeated. */
export const expand: Reader = async (node) => {
  const x = node.activation(0);
  const shape = node.shapeOf(x);
  const target = await numbers(node.constant(1));
  const offset = shape.length - target.length;
  if (offset < 0 || target.some((length, at) => length !== 1 && length !== shape[at + offset])) {
    throw node.unsupported('repeats activations');
  }
  return x;
};

export const dropout: Reader = async (node) => {
  const x = node.activation(0);
  const given = node.optionalConstant(1);
  const [rate = 0.5] = given === null ? [node.number('ratio', 0.5)] : await numbers(given);
  if (!(rate > 0 && rate < 1)) return x;
  return { ...x, value: node.builder.dropout(node.name(), x.value, rate) };
};
