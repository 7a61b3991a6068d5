// Operations with weights: convolutions, linear layers, norms.

import { samePadding } from '$lib/graph/padding';
import type { Padding, Pair } from '$lib/graph/types';
import type { Value } from '$lib/graph/builder';
import { combined, constant, filled, mapped, permuted, reshaped } from '../constant';
import type { Constant } from '../constant';
import type { FileNode } from '../file';
import type { NodeReader, Reader } from '../importer';
import { arranged, axisOf, image, plain } from '../traced';
import type { Activation, Traced } from '../traced';

/** Of a window over height and width: pads, or the automatic ones for this image. */
export function paddingOf(
  node: NodeReader,
  size: Pair,
  { kernel, strides, dilation = [1, 1] }: { kernel: Pair; strides: Pair; dilation?: Pair },
): Padding {
  const mode = node.text('auto_pad', 'NOTSET');
  switch (mode) {
    case 'NOTSET':
    case '': {
      const pads = node.list('pads') ?? [0, 0, 0, 0];
      if (pads.length !== 4) throw node.unsupported(`has pads of ${pads.length} numbers; images need four`);
      if (pads.some((pad) => pad < 0)) throw node.unsupported('cuts its input by negative pads');
      return [pads[0], pads[2], pads[1], pads[3]];
    }
    case 'VALID':
      return [0, 0, 0, 0];
    case 'SAME_UPPER':
      return samePadding(size, kernel, strides, dilation);
    case 'SAME_LOWER': {
      const [top, bottom, left, right] = samePadding(size, kernel, strides, dilation);
      return [bottom, top, right, left];
    }
    default:
      throw node.unsupported(`has the unknown padding "${mode}"`);
  }
}

/** The image that a node reads, [height, width, channels]. */
export function imageOf(node: NodeReader, x: Activation): Value {
  if (x.axes.length !== 4) throw node.unsupported(`reads a tensor of ${x.axes.length} axes; only images have two`);
  return arranged(node.builder, x, [2, 3, 1]);
}

/**
 * A constant that the only reader of this node's output adds to each channel: the bias of a layer that is written as two
 * operations. `axis` is the ONNX axis of the channels.
 */
function addedBias(
  node: NodeReader,
  channels: number,
  axis: number,
  rank: number,
): { add: FileNode; bias: Constant } | null {
  const [output] = node.node.outputs;
  const add = node.importer.onlyReader(output);
  if (add?.op !== 'Add' || add.domain !== '') return null;
  const other = add.inputs.find((name) => name !== output) ?? '';
  const bias = node.importer.values.get(other);
  if (bias?.what !== 'constant' || bias.shape.length > rank) return null;
  const offset = rank - bias.shape.length;
  const fits =
    bias.shape.length > 0 &&
    bias.shape.every((length, at) => length === (at + offset === axis ? channels : 1)) &&
    axis >= offset;
  return fits ? { add, bias: reshaped(bias, [channels]) } : null;
}

export const conv: Reader = async (node) => {
  const { builder, importer } = node;
  const x = imageOf(node, node.activation(0));
  const weight = node.constant(1);
  const bias = node.optionalConstant(2);
  const [filters, perGroup, ...spatial] = weight.shape;
  if (weight.shape.length !== 4) throw node.unsupported(`has a weight of ${weight.shape.length} axes`);
  const kernel: Pair = [spatial[0], spatial[1]];
  const groups = node.int('group', 1);
  const channels = x.shape[2];
  if (groups < 1 || perGroup * groups !== channels) {
    throw node.unsupported(`has a weight [${weight.shape.join(', ')}] in ${groups} groups for ${channels} channels`);
  }
  const strides = node.pair('strides', [1, 1]);
  const dilation = node.pair('dilations', [1, 1]);
  const padding = paddingOf(node, [x.shape[0], x.shape[1]], { kernel, strides, dilation });
  const added = bias === null ? addedBias(node, filters, 1, 4) : null;
  const biases = bias ?? added?.bias ?? null;
  const name = node.layerName(weight, biases);
  const options = { kernel, stride: strides, padding, dilation, bias: biases !== null };
  const depthwise = groups === channels && perGroup === 1 && filters % channels === 0 && groups > 1;
  const y = depthwise
    ? builder.depthwiseConv2d(name, x, { ...options, multiplier: filters / channels })
    : builder.conv2d(name, x, { ...options, filters, groups });
  const shape = depthwise ? [...kernel, channels, filters / channels] : [...kernel, perGroup, filters];
  await importer.assign(`${name}.weight`, weight, depthwise ? 'depthwise' : 'conv', shape);
  if (biases !== null) await importer.assign(`${name}.bias`, biases, 'plain', [filters]);
  const result = image(y);
  if (added !== null) importer.merged.set(added.add, result);
  return result;
};

export const convTranspose: Reader = async (node) => {
  const { builder, importer } = node;
  const x = imageOf(node, node.activation(0));
  const weight = node.constant(1);
  const bias = node.optionalConstant(2);
  if (weight.shape.length !== 4) throw node.unsupported(`has a weight of ${weight.shape.length} axes`);
  const [channels, filters, height, width] = weight.shape;
  const plainForm =
    node.int('group', 1) === 1 &&
    (node.list('dilations') ?? []).every((dilation) => dilation === 1) &&
    ['NOTSET', '', 'VALID'].includes(node.text('auto_pad', 'NOTSET')) &&
    node.list('output_shape') === null;
  if (!plainForm || channels !== x.shape[2]) throw node.unsupported('is grouped, dilated or of a given output size');
  const kernel: Pair = [height, width];
  const strides = node.pair('strides', [1, 1]);
  const name = node.layerName(weight, bias);
  const y = builder.convTranspose2d(name, x, {
    filters,
    kernel,
    stride: strides,
    padding: paddingOf(node, kernel, { kernel, strides }),
    outputPadding: node.pair('output_padding', [0, 0]),
    bias: bias !== null,
  });
  await importer.assign(`${name}.weight`, weight, 'conv_transpose', [height, width, filters, channels]);
  if (bias !== null) await importer.assign(`${name}.bias`, bias, 'plain', [filters]);
  return image(y);
};

/** y = x W + b on our last axis; `weight` is [in, out]. */
async function linear(
  node: NodeReader,
  x: Value,
  weight: Constant,
  bias: Constant | null,
  name: string,
): Promise<Value> {
  const [inputs, features] = weight.shape;
  if (x.shape.at(-1) !== inputs)
    throw node.unsupported(`has a weight for ${inputs} inputs where ${x.shape.at(-1)} come`);
  const y = node.builder.linear(name, x, { features, bias: bias !== null });
  await node.importer.assign(`${name}.weight`, weight, 'plain', [inputs, features]);
  if (bias !== null) await node.importer.assign(`${name}.bias`, bias, 'plain', [features]);
  return y;
}

/** scale * cos(x, w): x is divided by its length already, and so are the weights, whose length does not matter. */
async function cosine(
  node: NodeReader,
  x: Activation,
  weight: Constant,
  scale: number,
  name: string,
): Promise<Activation> {
  const rank = x.axes.length;
  const last = x.axes[rank - 1];
  const [inputs, features] = weight.shape;
  if (last === -1 || weight.shape.length !== 2) throw node.unsupported('compares something else than directions');
  await unitLengths(node, weight);
  const order = [...x.value.shape.map((_, axis) => axis).filter((axis) => axis !== last), last];
  const value = arranged(
    node.builder,
    x,
    order.map((axis) => x.axes.indexOf(axis)),
  );
  const y = node.builder.cosineLinear(name, value, { features, scale });
  await node.importer.assign(`${name}.weight`, weight, 'plain', [inputs, features]);
  return { what: 'activation', value: y, axes: x.axes.map((axis) => (axis === -1 ? -1 : order.indexOf(axis))) };
}

/** Each column of [in, out] has length 1, or the product is no cosine. */
async function unitLengths(node: NodeReader, weight: Constant): Promise<void> {
  const values = await weight.read();
  const [inputs, features] = weight.shape;
  const squares = new Float64Array(features);
  for (let at = 0; at < inputs * features; at++) squares[at % features] += values[at] ** 2;
  if (squares.some((square) => Math.abs(square - 1) > 1e-4))
    throw node.unsupported('compares with vectors of any length');
}

export const gemm: Reader = async (node) => {
  const input = node.input(0);
  const x = input?.what === 'direction' || input?.what === 'folded' ? input.x : node.activation(0);
  const given = node.constant(1);
  const c = node.optionalConstant(2);
  const rank = input?.what === 'folded' ? x.axes.length - 1 : x.axes.length;
  if (rank !== 2 || given.shape.length !== 2 || node.int('transA', 0) !== 0) {
    throw node.unsupported('does not multiply the features of each image by a matrix');
  }
  const alpha = node.number('alpha', 1);
  const beta = node.number('beta', 1);
  const oriented = node.int('transB', 0) === 0 ? given : permuted(given, [1, 0]);
  if (input?.what === 'direction') {
    if (c !== null) throw node.unsupported('adds to a cosine');
    return cosine(node, x, oriented, alpha, node.layerName(given));
  }
  const weight = alpha === 1 ? oriented : mapped(oriented, (value) => alpha * value);
  const features = weight.shape[1];
  let bias: Constant | null = null;
  if (c !== null) {
    const zero = filled([1, features], 0, 'float');
    const whole = combined(zero, c, (_, value) => beta * value);
    if (whole.shape.length !== 2 || whole.shape[0] !== 1 || whole.shape[1] !== features) {
      throw node.unsupported('adds something else than a bias');
    }
    bias = reshaped(whole, [features]);
  }
  const name = node.layerName(given, c);
  if (input?.what !== 'folded') return plain(await linear(node, arranged(node.builder, x, [1]), weight, bias, name));
  // Every token of every image is a row.
  const last = x.axes[x.axes.length - 1];
  if (last !== x.value.shape.length - 1) throw node.unsupported('multiplies another axis than the last');
  return { ...input, x: { ...x, value: await linear(node, x.value, weight, bias, name) } };
};

/** Cosines with the columns of a constant. */
export function matMulDirection(node: NodeReader, x: Activation, given: Constant): Promise<Activation> {
  return cosine(node, x, given, 1, node.layerName(given));
}

/** x W on the last axis, with the bias that follows. */
export async function matMulConstant(node: NodeReader, x: Activation, given: Constant): Promise<Activation> {
  const rank = x.axes.length;
  const leading = given.shape.slice(0, -2);
  if (given.shape.length < 2 || leading.some((length) => length !== 1)) {
    throw node.unsupported(`multiplies by a constant of shape [${given.shape.join(', ')}]`);
  }
  const last = x.axes[rank - 1];
  if (last === -1) throw node.unsupported('mixes the images of a batch');
  const weight = reshaped(given, given.shape.slice(-2));
  const features = weight.shape[1];
  const added = addedBias(node, features, rank - 1, rank);
  // Our order stays but for the axis that is multiplied.
  const order = x.value.shape.map((_, axis) => axis).filter((axis) => axis !== last);
  const onnx = [...order, last].map((axis) => x.axes.indexOf(axis));
  const value = arranged(node.builder, x, onnx);
  const name = node.layerName(given, added?.bias ?? null);
  const y = await linear(node, value, weight, added?.bias ?? null, name);
  const result: Activation = {
    what: 'activation',
    value: y,
    axes: x.axes.map((axis) => (axis === -1 ? -1 : [...order, last].indexOf(axis))),
  };
  if (added !== null) node.importer.merged.set(added.add, result);
  return result;
}

export const batchNormalization: Reader = async (node) => {
  const { builder, importer } = node;
  const x = node.activation(0);
  const rank = x.axes.length;
  if (rank < 2 || rank > 4 || node.int('training_mode', 0) !== 0 || node.int('spatial', 1) !== 1) {
    throw node.unsupported('is not one over the channels with fixed statistics');
  }
  const roles = ['weight', 'bias', 'running_mean', 'running_var'];
  const constants = roles.map((_, at) => node.constant(at + 1));
  // Channels are ONNX's second axis; ours is the last.
  const order = [...Array.from({ length: rank - 2 }, (_, at) => at + 2), 1];
  const value = arranged(builder, x, order);
  const channels = value.shape.at(-1) ?? 0;
  const name = node.layerName(...constants);
  const y = builder.batchNorm(name, value, { epsilon: node.number('epsilon', 1e-5) });
  for (const [at, role] of roles.entries())
    await importer.assign(`${name}.${role}`, constants[at], 'plain', [channels]);
  return {
    what: 'activation',
    value: y,
    axes: [-1, ...Array.from({ length: rank - 1 }, (_, at) => order.indexOf(at + 1))],
  };
};

/** Over the last ONNX axis, with what there is of scale and shift. */
export async function layerNorm(
  node: NodeReader,
  x: Activation,
  { epsilon, scale, shift }: { epsilon: number; scale: Constant | null; shift: Constant | null },
): Promise<Activation> {
  const { builder, importer } = node;
  const last = x.axes[x.axes.length - 1];
  if (last === -1) throw node.unsupported('normalises over the images of a batch');
  const order = [...x.value.shape.map((_, axis) => axis).filter((axis) => axis !== last), last];
  const value = arranged(
    builder,
    x,
    order.map((axis) => x.axes.indexOf(axis)),
  );
  const channels = value.shape.at(-1) ?? 0;
  const name = node.layerName(scale, shift);
  const y = builder.layerNorm(name, value, { epsilon });
  await importer.assign(`${name}.weight`, scale ?? filled([channels], 1, 'float'), 'plain', [channels]);
  await importer.assign(`${name}.bias`, shift ?? filled([channels], 0, 'float'), 'plain', [channels]);
  return { what: 'activation', value: y, axes: x.axes.map((axis) => (axis === -1 ? -1 : order.indexOf(axis))) };
}

export const layerNormalization: Reader = (node) => {
  const x = node.activation(0);
  if (axisOf(node.int('axis', -1), x.axes.length) !== x.axes.length - 1) {
    throw node.unsupported('normalises over more than the last axis');
  }
  if (node.node.outputs.slice(1).some((name) => name !== '')) throw node.unsupported('gives its mean out');
  const options = { epsilon: node.number('epsilon', 1e-5), scale: node.constant(1), shift: node.optionalConstant(2) };
  return layerNorm(node, x, options);
};

/** Each channel by itself, or in groups from opset 18 on. */
async function groupNorm(node: NodeReader, x: Activation, groups: number, perGroup: boolean): Promise<Activation> {
  const { builder, importer } = node;
  const value = imageOf(node, x);
  const channels = value.shape[2];
  const [scale, shift] = [node.constant(1), node.constant(2)];
  const name = node.layerName(scale, shift);
  const y = builder.groupNorm(name, value, { groups, epsilon: node.number('epsilon', 1e-5) });
  // Until opset 21 one number stands for a whole group.
  const spread = (source: Constant): Constant =>
    perGroup
      ? constant([channels], 'float', async () => {
          const values = await source.read();
          return Float32Array.from({ length: channels }, (_, c) => values[Math.floor((c * groups) / channels)]);
        })
      : source;
  await importer.assign(`${name}.weight`, spread(scale), 'plain', [channels]);
  await importer.assign(`${name}.bias`, spread(shift), 'plain', [channels]);
  return image(y);
}

export const instanceNormalization: Reader = (node) => {
  const x = node.activation(0);
  if (x.axes.length === 4) return groupNorm(node, x, node.shapeOf(x)[1], false);
  const grouped = node.importer.regrouped.get(x.value.id);
  if (grouped === undefined) throw node.unsupported('does not read an image');
  return groupNorm(node, grouped.x, grouped.groups, true).then((result): Traced => ({ what: 'grouped', x: result }));
};

export const groupNormalization: Reader = (node) => {
  const groups = node.int('num_groups', 0);
  if (groups < 1) throw node.unsupported('has no groups');
  return groupNorm(node, node.activation(0), groups, node.opset < 21 && node.constant(1).shape[0] === groups);
};
