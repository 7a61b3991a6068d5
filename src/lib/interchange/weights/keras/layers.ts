// Keras's layers in our operations, one entry each. A layer whose meaning we cannot give exactly throws Unsupported.

import type { Value } from '$lib/graph/builder';
import { samePadding } from '$lib/graph/padding';
import { elements } from '$lib/graph/ops/operation';
import type { Padding, Pair, Shape } from '$lib/graph/types';
import { activate, activationOf, rectify } from './activations';
import { operation } from './operations';
import { normalization, rescaling } from './preprocessing';
import type { LayerSettings } from './settings';
import type { LayerPlace, NetworkWriter } from './writer';

export interface LayerCall {
  writer: NetworkWriter;
  layer: LayerSettings;
  /** Models around the layer, outermost first. */
  parents: readonly string[];
  inputs: readonly Value[];
  /** A number that a bare operation was called with. */
  constant: number | null;
  /** A free node id. */
  id: string;
}

export interface LayerRule {
  /** What Keras calls its weights, in its order; a layer with weights can be applied only once. */
  roles?: readonly string[];
  /** Default 1. */
  inputs?: 'many';
  write(call: LayerCall): Value | Promise<Value>;
}

/** What does nothing outside of training; in training we leave it out. */
const identity: LayerRule = { write: ({ inputs: [x] }) => x };
const dropout: LayerRule = {
  write: ({ writer, layer, inputs: [x], id }) => {
    const rate = layer.number('rate');
    if (rate < 0 || rate >= 1) throw layer.unsupported(`has a rate of ${rate}`);
    // One decision for a whole sample is stochastic depth.
    const noise = layer.has('noise_shape') ? layer.integers('noise_shape', 0) : [];
    const whole = noise.length === x.shape.length + 1 && noise.slice(1).every((length) => length === 1);
    return whole ? writer.builder.dropPath(id, x, rate) : writer.builder.dropout(id, x, rate);
  },
};

export const LAYERS: Readonly<Record<string, LayerRule>> = {
  Conv2D: { roles: ['kernel', 'bias'], write: conv2d },
  DepthwiseConv2D: { roles: ['depthwise_kernel', 'bias'], write: depthwiseConv2d },
  SeparableConv2D: { roles: ['depthwise_kernel', 'pointwise_kernel', 'bias'], write: separableConv2d },
  Dense: { roles: ['kernel', 'bias'], write: dense },
  BatchNormalization: { roles: ['gamma', 'beta', 'moving_mean', 'moving_variance'], write: batchNormalization },
  LayerNormalization: { roles: ['gamma', 'beta'], write: layerNormalization },
  Normalization: { roles: ['mean', 'variance', 'count'], write: normalization },
  Rescaling: { write: rescaling },
  Activation: { write: ({ writer, layer, inputs: [x], id }) => activate(writer, layer, x, activationOf(layer), id) },
  ReLU: { write: relu },
  LeakyReLU: { write: leakyRelu },
  Softmax: { write: softmax },
  ZeroPadding2D: { write: zeroPadding },
  Cropping2D: { write: cropping },
  MaxPooling2D: { write: pooling },
  AveragePooling2D: { write: pooling },
  GlobalAveragePooling2D: { write: globalPooling },
  GlobalMaxPooling2D: { write: globalPooling },
  UpSampling2D: { write: upSampling },
  Flatten: { write: flatten },
  Reshape: { write: reshape },
  Permute: { write: permute },
  Add: { inputs: 'many', write: joined((writer, a, b, id) => writer.builder.add(a, b, id)) },
  Multiply: { inputs: 'many', write: joined((writer, a, b, id) => writer.builder.multiply(a, b, id)) },
  Concatenate: { inputs: 'many', write: concatenate },
  TFOpLambda: { inputs: 'many', write: operation },
  Dropout: dropout,
  // Drops whole channels in Keras; single values here. Outside of training both are nothing.
  SpatialDropout2D: dropout,
  AlphaDropout: identity,
  GaussianDropout: identity,
  GaussianNoise: identity,
  ActivityRegularization: identity,
  // Augmentation of Keras's own: Trainyard has its own before the network.
  RandomBrightness: identity,
  RandomContrast: identity,
  RandomFlip: identity,
  RandomRotation: identity,
  RandomTranslation: identity,
  RandomZoom: identity,
};

function placeOf({ layer, parents }: LayerCall, roles: readonly string[]): LayerPlace {
  return { name: layer.name, parents, roles };
}

function image(layer: LayerSettings, x: Value): readonly [height: number, width: number, channels: number] {
  const [height, width, channels, ...rest] = x.shape;
  if (channels === undefined || rest.length > 0) throw layer.unsupported(`reads ${x.shape.length} axes, not an image`);
  return [height, width, channels];
}

/** Explicit padding from Keras's word for it. */
function padding(layer: LayerSettings, size: Pair, kernel: Pair, strides: Pair, dilation: Pair = [1, 1]): Padding {
  const word = layer.text('padding', 'valid');
  if (word === 'valid') return [0, 0, 0, 0];
  if (word === 'same') return samePadding(size, kernel, strides, dilation);
  throw layer.unsupported(`has the padding "${word.slice(0, 20)}"`);
}

interface Window {
  kernel: Pair;
  stride: Pair;
  dilation: Pair;
  padding: Padding;
}

function windowOf(layer: LayerSettings, size: Pair): Window {
  layer.channelsLast();
  const kernel = layer.pair('kernel_size');
  const stride = layer.pair('strides', [1, 1]);
  const dilation = layer.pair('dilation_rate', [1, 1]);
  return { kernel, stride, dilation, padding: padding(layer, size, kernel, stride, dilation) };
}

/** The roles that the layer has, given whether it has a bias. */
function withBias(roles: readonly string[], bias: boolean): readonly string[] {
  return bias ? [...roles, 'bias'] : roles;
}

function conv2d(call: LayerCall): Value {
  const { writer, layer, inputs: [x], id } = call; // prettier-ignore
  const [height, width, channels] = image(layer, x);
  const groups = layer.count('groups', 1);
  const filters = layer.count('filters');
  const window = windowOf(layer, [height, width]);
  const bias = layer.flag('use_bias', true);
  const place = placeOf(call, withBias(['kernel'], bias));
  if (channels % groups !== 0 || filters % groups !== 0) throw layer.unsupported(`cannot have ${groups} groups`);
  writer.take(`${id}.weight`, layer, place, 'kernel', [...window.kernel, channels / groups, filters]);
  if (bias) writer.take(`${id}.bias`, layer, place, 'bias', [filters]);
  const y = writer.builder.conv2d(id, x, { ...window, filters, groups, bias });
  return activate(writer, layer, y, activationOf(layer), `${id}.activation`);
}

function depthwiseConv2d(call: LayerCall): Value {
  const { writer, layer, inputs: [x], id } = call; // prettier-ignore
  const [height, width, channels] = image(layer, x);
  const multiplier = layer.count('depth_multiplier', 1);
  const window = windowOf(layer, [height, width]);
  const bias = layer.flag('use_bias', true);
  const place = placeOf(call, withBias(['depthwise_kernel'], bias));
  const roles = ['depthwise_kernel', 'kernel'];
  writer.take(`${id}.weight`, layer, place, roles, [...window.kernel, channels, multiplier]);
  if (bias) writer.take(`${id}.bias`, layer, place, 'bias', [channels * multiplier]);
  const y = writer.builder.depthwiseConv2d(id, x, { ...window, multiplier, bias });
  return activate(writer, layer, y, activationOf(layer), `${id}.activation`);
}

function separableConv2d(call: LayerCall): Value {
  const { writer, layer, inputs: [x], id } = call; // prettier-ignore
  const [height, width, channels] = image(layer, x);
  const multiplier = layer.count('depth_multiplier', 1);
  const filters = layer.count('filters');
  const window = windowOf(layer, [height, width]);
  const bias = layer.flag('use_bias', true);
  const place = placeOf(call, withBias(['depthwise_kernel', 'pointwise_kernel'], bias));
  const [depthwise, pointwise] = [`${id}.depthwise`, `${id}.pointwise`];
  const shape = [...window.kernel, channels, multiplier];
  writer.take(`${depthwise}.weight`, layer, place, 'depthwise_kernel', shape);
  writer.take(`${pointwise}.weight`, layer, place, 'pointwise_kernel', [1, 1, channels * multiplier, filters]);
  if (bias) writer.take(`${pointwise}.bias`, layer, place, 'bias', [filters]);
  const inner = writer.builder.depthwiseConv2d(depthwise, x, { ...window, multiplier, bias: false });
  const y = writer.builder.conv2d(pointwise, inner, { filters, kernel: 1, bias });
  return activate(writer, layer, y, activationOf(layer), `${id}.activation`);
}

function dense(call: LayerCall): Value {
  const { writer, layer, inputs: [x], id } = call; // prettier-ignore
  const units = layer.count('units');
  const bias = layer.flag('use_bias', true);
  const place = placeOf(call, withBias(['kernel'], bias));
  writer.take(`${id}.weight`, layer, place, 'kernel', [x.shape[x.shape.length - 1], units]);
  if (bias) writer.take(`${id}.bias`, layer, place, 'bias', [units]);
  const y = writer.builder.linear(id, x, { features: units, bias });
  return activate(writer, layer, y, activationOf(layer), `${id}.activation`);
}

/** The only normalised axis must be the last one. */
function lastAxis(layer: LayerSettings, rank: number): void {
  const value = layer.value('axis') ?? -1;
  const axis: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value;
  // Keras counts the batch as axis 0.
  if (axis !== -1 && axis !== rank) throw layer.unsupported('does not normalise the last axis', `${layer.kind} (axis)`);
}

function batchNormalization(call: LayerCall): Value {
  const { writer, layer, inputs: [x], id } = call; // prettier-ignore
  lastAxis(layer, x.shape.length);
  const scale = layer.flag('scale', true);
  const center = layer.flag('center', true);
  const shape = x.shape.slice(-1);
  const place = placeOf(call, [...(scale ? ['gamma'] : []), ...(center ? ['beta'] : []), 'moving_mean', 'moving_variance']); // prettier-ignore
  if (scale) writer.take(`${id}.weight`, layer, place, 'gamma', shape);
  else writer.fill(`${id}.weight`, 1);
  if (center) writer.take(`${id}.bias`, layer, place, 'beta', shape);
  else writer.fill(`${id}.bias`, 0);
  writer.take(`${id}.running_mean`, layer, place, 'moving_mean', shape);
  writer.take(`${id}.running_var`, layer, place, 'moving_variance', shape);
  // Keras: running = momentum * running + (1 - momentum) * batch.
  const momentum = 1 - layer.number('momentum', 0.99);
  return writer.builder.batchNorm(id, x, { epsilon: layer.number('epsilon', 1e-3), momentum });
}

function layerNormalization(call: LayerCall): Value {
  const { writer, layer, inputs: [x], id } = call; // prettier-ignore
  lastAxis(layer, x.shape.length);
  const scale = layer.flag('scale', true);
  const center = layer.flag('center', true);
  const shape = x.shape.slice(-1);
  const place = placeOf(call, [...(scale ? ['gamma'] : []), ...(center ? ['beta'] : [])]);
  if (scale) writer.take(`${id}.weight`, layer, place, 'gamma', shape);
  else writer.fill(`${id}.weight`, 1);
  if (center) writer.take(`${id}.bias`, layer, place, 'beta', shape);
  else writer.fill(`${id}.bias`, 0);
  return writer.builder.layerNorm(id, x, { epsilon: layer.number('epsilon', 1e-3) });
}

function relu({ writer, layer, inputs: [x], id }: LayerCall): Value {
  if (layer.number('threshold', 0) !== 0) throw layer.unsupported('has a threshold', 'ReLU (threshold)');
  const slope = layer.number('negative_slope', 0);
  return rectify(writer, layer, x, { ceiling: layer.has('max_value') ? layer.number('max_value') : null, slope }, id);
}

function leakyRelu({ writer, layer, inputs: [x], id }: LayerCall): Value {
  const slope = layer.has('negative_slope') ? layer.number('negative_slope') : layer.number('alpha', 0.3);
  return rectify(writer, layer, x, { ceiling: null, slope }, id);
}

function softmax({ writer, layer, inputs: [x], id }: LayerCall): Value {
  lastAxis(layer, x.shape.length);
  return writer.builder.softmax(x, id);
}

/** [[top, bottom], [left, right]], [vertical, horizontal] or one number. */
function sides(layer: LayerSettings, key: string): Padding {
  const value = layer.value(key) ?? 1;
  const both = Array.isArray(value) ? (value as readonly unknown[]) : [value, value];
  const [vertical, horizontal] = both.map((side) =>
    Array.isArray(side) ? (side as readonly unknown[]) : [side, side],
  );
  const all = [...(vertical ?? []), ...(horizontal ?? [])];
  const [top, bottom, left, right] = all.map(Number);
  if (all.length !== 4 || all.some((side) => !Number.isInteger(side) || Number(side) < 0 || Number(side) > 1e6)) {
    throw layer.unsupported(`has an unreadable ${key}`);
  }
  return [top, bottom, left, right];
}

function zeroPadding({ writer, layer, inputs: [x], id }: LayerCall): Value {
  layer.channelsLast();
  image(layer, x);
  return writer.builder.pad(x, sides(layer, 'padding'), id);
}

function cropping({ writer, layer, inputs: [x], id }: LayerCall): Value {
  layer.channelsLast();
  const [height, width] = image(layer, x);
  const [top, bottom, left, right] = sides(layer, 'cropping');
  const rows = writer.builder.slice(x, { axis: 0, begin: top, size: height - top - bottom }, `${id}.rows`);
  return writer.builder.slice(rows, { axis: 1, begin: left, size: width - left - right }, id);
}

function pooling({ writer, layer, inputs: [x], id }: LayerCall): Value {
  layer.channelsLast();
  const [height, width] = image(layer, x);
  const kernel = layer.pair('pool_size', [2, 2]);
  const stride = layer.pair('strides', kernel);
  const options = { kernel, stride, padding: padding(layer, [height, width], kernel, stride) };
  // TensorFlow's average leaves padding out.
  return layer.kind === 'MaxPooling2D'
    ? writer.builder.maxPool(x, options, id)
    : writer.builder.avgPool(x, { ...options, countIncludePad: false }, id);
}

function globalPooling({ writer, layer, inputs: [x], id }: LayerCall): Value {
  layer.channelsLast();
  const [height, width, channels] = image(layer, x);
  const keepDims = layer.flag('keepdims', false);
  if (layer.kind === 'GlobalAveragePooling2D') return writer.builder.globalAvgPool(x, { keepDims, name: id });
  const pooled = writer.builder.maxPool(x, { kernel: [height, width] }, keepDims ? id : `${id}.window`);
  return keepDims ? pooled : writer.builder.reshape(pooled, [channels], id);
}

function upSampling({ writer, layer, inputs: [x], id }: LayerCall): Value {
  layer.channelsLast();
  const [height, width] = image(layer, x);
  const method = layer.text('interpolation', 'nearest');
  // TensorFlow.js samples "bilinear" from the corner, Keras from the middle of the pixel: whose it is cannot be told.
  if (method !== 'nearest') {
    throw layer.unsupported(`enlarges by "${method.slice(0, 20)}"`, `UpSampling2D (${method.slice(0, 20)})`);
  }
  const [vertical, horizontal] = layer.pair('size', [2, 2]);
  const size: Pair = [height * vertical, width * horizontal];
  return writer.builder.resize(x, { size, method: 'nearest', alignCorners: false }, id);
}

function flatten({ writer, layer, inputs: [x], id }: LayerCall): Value {
  layer.channelsLast();
  return x.shape.length === 1 ? x : writer.builder.reshape(x, [elements(x.shape)], id);
}

function reshape({ writer, layer, inputs: [x], id }: LayerCall): Value {
  const target = layer.integers('target_shape', -1);
  const known = elements(target.filter((length) => length !== -1));
  const shape: Shape = target.map((length) => (length === -1 ? elements(x.shape) / known : length));
  if (shape.length === 0 || shape.some((length) => !Number.isInteger(length) || length < 1)) {
    throw layer.unsupported(`cannot give the shape [${target.join(', ')}]`);
  }
  return writer.builder.reshape(x, shape, id);
}

function permute({ writer, layer, inputs: [x], id }: LayerCall): Value {
  // Counted from 1, the batch being 0.
  const order = layer.integers('dims').map((axis) => axis - 1);
  if (order.toSorted((a, b) => a - b).some((axis, at) => axis !== at) || order.length !== x.shape.length) {
    throw layer.unsupported('does not name every axis once');
  }
  return writer.builder.transpose(x, order, id);
}

/** Folds a binary operation over any number of inputs; the last one has the layer's name. */
function joined(combine: (writer: NetworkWriter, a: Value, b: Value, id: string) => Value): LayerRule['write'] {
  return ({ writer, layer, inputs, id }) => {
    const [first, ...rest] = inputs;
    if (rest.length === 0) throw layer.unsupported('reads one input only');
    return rest.reduce((sum, x, at) => combine(writer, sum, x, at === rest.length - 1 ? id : `${id}.${at}`), first);
  };
}

function concatenate({ writer, layer, inputs, id }: LayerCall): Value {
  const axis = layer.integer('axis', -1);
  // Keras counts the batch as axis 0.
  if (axis === 0) throw layer.unsupported('joins along the batch');
  return inputs.length === 1 ? inputs[0] : writer.builder.concat(inputs, axis > 0 ? axis - 1 : axis, id);
}
