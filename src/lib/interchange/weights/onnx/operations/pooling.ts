// Windows, means over space, resampling.

import { windowSize } from '$lib/graph/ops/operation';
import type { Padding, Pair } from '$lib/graph/types';
import { numbers } from '../constant';
import type { NodeReader, Reader } from '../importer';
import { arranged, axisOf, image, reshape } from '../traced';
import type { Activation } from '../traced';
import { imageOf, paddingOf } from './layers';

interface Window {
  kernel: Pair;
  strides: Pair;
  padding: Padding;
  /** Padding at the end that only rounding up asks for. */
  extra: Pair;
}

function windowOf(node: NodeReader, size: Pair): Window {
  const kernel = node.pair('kernel_shape', [0, 0]);
  const strides = node.pair('strides', [1, 1]);
  if ((node.list('dilations') ?? []).some((dilation) => dilation !== 1)) throw node.unsupported('is dilated');
  const padding = paddingOf(node, size, { kernel, strides });
  if (node.int('ceil_mode', 0) === 0) return { kernel, strides, padding, extra: [0, 0] };
  const [down] = [windowSize(size, { kernel, strides, padding })];
  const extra = ([0, 1] as const).map((axis) => {
    const [before, after] = axis === 0 ? [padding[0], padding[1]] : [padding[2], padding[3]];
    const span = size[axis] + before + after;
    let up = Math.ceil((span - kernel[axis]) / strides[axis]) + 1;
    // A window that would begin in the padding at the end does not count.
    if ((up - 1) * strides[axis] >= size[axis] + before) up--;
    return up > down[axis] ? (up - 1) * strides[axis] + kernel[axis] - span : 0;
  });
  return { kernel, strides, padding, extra: [extra[0], extra[1]] };
}

function withExtra([top, bottom, left, right]: Padding, [height, width]: Pair): Padding {
  return [top, bottom + height, left, right + width];
}

export const maxPool: Reader = (node) => {
  const value = imageOf(node, node.activation(0));
  const { kernel, strides, padding, extra } = windowOf(node, [value.shape[0], value.shape[1]]);
  // Padding never wins, so that what rounding up adds changes nothing else.
  const options = { kernel, stride: strides, padding: withExtra(padding, extra) };
  return image(node.builder.maxPool(value, options, node.name()));
};

export const averagePool: Reader = (node) => {
  const value = imageOf(node, node.activation(0));
  const { kernel, strides, padding, extra } = windowOf(node, [value.shape[0], value.shape[1]]);
  const countIncludePad = node.int('count_include_pad', 0) === 1;
  if (countIncludePad && extra.some((amount) => amount > 0)) {
    throw node.unsupported('rounds its size up and counts the padding');
  }
  const options = { kernel, stride: strides, padding: withExtra(padding, extra), countIncludePad };
  return image(node.builder.avgPool(value, options, node.name()));
};

export const globalAveragePool: Reader = (node) => {
  const value = imageOf(node, node.activation(0));
  return image(node.builder.globalAvgPool(value, { keepDims: true, name: node.name() }));
};

export const globalMaxPool: Reader = (node) => {
  const value = imageOf(node, node.activation(0));
  return image(node.builder.maxPool(value, { kernel: [value.shape[0], value.shape[1]] }, node.name()));
};

/** Mean over height and width, over the tokens of a sequence, or (as part of a layer normalisation) over the last axis. */
export const reduceMean: Reader = async (node) => {
  const { builder } = node;
  const x = node.activation(0);
  const rank = x.axes.length;
  const axes = (await node.setting(1, 'axes'))?.map((axis) => axisOf(axis, rank)).sort((a, b) => a - b) ?? [];
  const keep = node.int('keepdims', 1) === 1;
  if (axes.some((axis) => x.axes[axis] === -1) || x.axes[0] !== -1) throw node.unsupported('averages over the batch');
  const rest = x.axes.flatMap((_, at) => (at === 0 || axes.includes(at) ? [] : [at]));
  // Height and width, in either layout: the axis that is left is the channels.
  if (rank === 4 && axes.length === 2 && rest.length === 1) {
    const value = arranged(builder, x, [...axes, ...rest]);
    const mean = builder.globalAvgPool(value, { keepDims: keep, name: node.name() });
    if (!keep) return { what: 'activation', value: mean, axes: [-1, 0] };
    return { what: 'activation', value: mean, axes: [-1, ...[1, 2, 3].map((at) => [...axes, ...rest].indexOf(at))] };
  }
  if (rank === 3 && axes.length === 1 && axes[0] === 1) {
    const tokens = arranged(builder, x, [1, 2]);
    const [count, channels] = tokens.shape;
    const mean = builder.globalAvgPool(builder.reshape(tokens, [count, 1, channels]), { name: node.name() });
    const vector: Activation = { what: 'activation', value: mean, axes: [-1, 0] };
    return keep ? reshape(builder, vector, [1, channels]) : vector;
  }
  if (axes.length === 1 && axes[0] === rank - 1 && keep) return { what: 'mean', x };
  throw node.unsupported(`averages over the axes ${axes.join(', ')} of ${rank}`);
};

/** The length of vectors, as part of a cosine. */
export const reduceL2: Reader = async (node) => {
  const x = node.activation(0);
  const axes = (await node.setting(1, 'axes')) ?? [];
  const last = x.axes.length - 1;
  if (axes.length !== 1 || axisOf(axes[0], last + 1) !== last || node.int('keepdims', 1) !== 1) {
    throw node.unsupported('is not the length of vectors along the last axis');
  }
  return { what: 'length', x };
};

/** ReduceMean of the squares of what is centred. */
export const reduceMeanOf: Reader = async (node) => {
  const x = node.input(0);
  if (x?.what !== 'squares') return reduceMean(node);
  const axes = (await node.setting(1, 'axes')) ?? [];
  const last = x.x.axes.length - 1;
  if (axes.length !== 1 || axisOf(axes[0], last + 1) !== last || node.int('keepdims', 1) !== 1) {
    throw node.unsupported('averages squares over something else than the last axis');
  }
  return { what: 'variance', x: x.x, epsilon: 0 };
};

/** Which input place each output place takes, as ONNX's nearest does it. */
function nearestPlaces(node: NodeReader, input: number, output: number, scale: number, coordinates: string): number[] {
  const rounding = node.text(
    'nearest_mode',
    node.node.op === 'Upsample' || node.opset < 11 ? 'floor' : 'round_prefer_floor',
  );
  return Array.from({ length: output }, (_, to) => {
    let at: number;
    switch (coordinates) {
      case 'asymmetric':
        at = to / scale;
        break;
      case 'half_pixel':
        at = (to + 0.5) / scale - 0.5;
        break;
      case 'pytorch_half_pixel':
        at = output > 1 ? (to + 0.5) / scale - 0.5 : 0;
        break;
      case 'align_corners':
        at = output > 1 ? (to * (input - 1)) / (output - 1) : 0;
        break;
      default:
        throw node.unsupported(`has the coordinates "${coordinates}"`);
    }
    const rounded = { floor: Math.floor(at), ceil: Math.ceil(at), round_prefer_ceil: Math.floor(at + 0.5) }[rounding];
    return Math.min(Math.max(rounded ?? Math.ceil(at - 0.5), 0), input - 1);
  });
}

export const resize: Reader = async (node) => {
  const x = node.activation(0);
  const shape = node.shapeOf(x);
  const old = node.node.op === 'Upsample' || node.opset < 11;
  const scaleInput = old ? 1 : 2;
  const sizes = old ? null : node.optionalConstant(3);
  const given = sizes === null ? await node.setting(scaleInput, 'scales') : null;
  const target = sizes === null ? shape.map((n, at) => Math.floor(n * (given?.[at] ?? 1))) : await numbers(sizes);
  const turned = shape.length === 4 && target.length === 4;
  const [h, w] = turned && target[1] === shape[1] ? [2, 3] : [1, 2];
  const still = turned && target.every((length, at) => at === h || at === w || length === shape[at]);
  if (!still || node.list('axes') !== null) throw node.unsupported('resizes something else than height and width');
  if (node.int('antialias', 0) !== 0) throw node.unsupported('is antialiased');
  const size: Pair = [target[h], target[w]];
  if (size.some((length) => length < 1 || length > 16_384)) throw node.unsupported(`makes ${size.join(' x ')} pixels`);
  const mode = node.text('mode', 'nearest');
  const coordinates = node.text('coordinate_transformation_mode', old ? 'asymmetric' : 'half_pixel');
  const from: Pair = [shape[h], shape[w]];
  let alignCorners = false;
  if (mode === 'nearest') {
    for (const axis of [0, 1] as const) {
      const scale = given?.[axis === 0 ? h : w] ?? size[axis] / from[axis];
      const places = nearestPlaces(node, from[axis], size[axis], scale, coordinates);
      if (places.some((place, to) => place !== Math.min(Math.floor((to * from[axis]) / size[axis]), from[axis] - 1))) {
        throw node.unsupported(`takes the nearest pixels in another way (${coordinates})`);
      }
    }
  } else if (mode === 'linear') {
    const exact =
      given === null || ([h, w] as const).every((axis) => Math.abs(given[axis] * shape[axis] - target[axis]) < 1e-6);
    alignCorners = coordinates === 'align_corners';
    const half = coordinates === 'half_pixel' || (coordinates === 'pytorch_half_pixel' && size.every((n) => n > 1));
    const identical = size[0] === from[0] && size[1] === from[1];
    if (!identical && !alignCorners && !(half && exact)) throw node.unsupported(`has the coordinates "${coordinates}"`);
  } else throw node.unsupported(`has the mode "${mode}"`);
  const order = h === 2 ? [2, 3, 1] : [1, 2, 3];
  const value = arranged(node.builder, x, order);
  const method = mode === 'nearest' ? 'nearest' : 'bilinear';
  const y = node.builder.resize(value, { size, method, alignCorners }, node.name());
  return { what: 'activation', value: y, axes: [-1, ...[1, 2, 3].map((at) => order.indexOf(at))] };
};
