// Every tfjs operation that the engine builds on, as differentiable functions with the shapes to try them on. Not a test itself.

import * as tf from '@tensorflow/tfjs-core';
import { values } from './wasm-support';

export type Shapes = readonly (readonly number[])[];
export type Operation = (...tensors: tf.Tensor[]) => tf.Tensor;

export function as4D(x: tf.Tensor): tf.Tensor4D {
  const [n = 1, h = 1, w = 1, c = 1] = x.shape;
  return tf.reshape<tf.Rank.R4>(x, [n, h, w, c]);
}

/** Exact, as PyTorch's default GELU. */
function gelu(x: tf.Tensor): tf.Tensor {
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
}

function hardSigmoid(x: tf.Tensor): tf.Tensor {
  return tf.div(tf.relu6(tf.add(tf.mul(x, 5), 3)), 6);
}

function normalize(x: tf.Tensor, axes: number[]): tf.Tensor {
  const { mean, variance } = tf.moments(x, axes, true);
  return tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5)));
}

function attention(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor): tf.Tensor {
  const scores = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(q.shape[q.rank - 1]));
  return tf.matMul(tf.softmax(scores), v);
}

export const IMAGE = [2, 7, 6, 5];

export const OPERATIONS: Record<string, [Operation, Shapes]> = {
  relu: [(x) => tf.relu(x), [IMAGE]],
  relu6: [(x) => tf.relu6(tf.mul(x, 12)), [IMAGE]],
  'leaky relu': [(x) => tf.leakyRelu(x, 0.1), [IMAGE]],
  elu: [(x) => tf.elu(x), [IMAGE]],
  sigmoid: [(x) => tf.sigmoid(x), [IMAGE]],
  tanh: [(x) => tf.tanh(x), [IMAGE]],
  softplus: [(x) => tf.softplus(x), [IMAGE]],
  silu: [(x) => tf.mul(x, tf.sigmoid(x)), [IMAGE]],
  'gelu with erf': [gelu, [IMAGE]],
  'hard sigmoid': [hardSigmoid, [IMAGE]],
  'hard swish': [(x) => tf.mul(x, hardSigmoid(x)), [IMAGE]],
  'where and step': [(x, y) => tf.where(tf.greaterEqual(x, 0), tf.mul(x, y), tf.mul(tf.step(x), y)), [IMAGE, IMAGE]],
  'clip by value': [(x) => tf.clipByValue(x, -0.5, 0.25), [IMAGE]],
  'minimum and maximum': [(x, y) => tf.sub(tf.minimum(x, y), tf.maximum(x, 0.1)), [IMAGE, IMAGE]],
  'abs, sqrt, exp, log, pow': [(x) => tf.pow(tf.log(tf.add(tf.exp(x), tf.sqrt(tf.add(tf.abs(x), 1)))), 3), [IMAGE]],

  'add with broadcasting': [(x, b, c) => tf.add(tf.add(x, b), c), [IMAGE, [5], [2, 1, 1, 5]]],
  'multiply with broadcasting': [(x, b, c) => tf.mul(tf.mul(x, b), c), [IMAGE, [2, 1, 1, 5], [2, 7, 6, 1]]],
  'divide and subtract': [(x, y) => tf.sub(tf.div(x, tf.add(tf.square(y), 1)), y), [IMAGE, [5]]],
  'squared difference': [(x, y) => tf.squaredDifference(x, y), [IMAGE, IMAGE]],

  'linear layer': [(x, w, b) => tf.add(tf.matMul(x, w), b), [[6, 20], [20, 10], [10]]],
  'linear layer over tokens': [
    (x, w) => tf.reshape(tf.matMul(tf.reshape(x, [6, 13]), w), [2, 3, 9]),
    [
      [2, 3, 13],
      [13, 9],
    ],
  ],
  'matrix product, left transposed': [
    (a, b) => tf.matMul(a, b, true),
    [
      [30, 7],
      [30, 11],
    ],
  ],
  'matrix product, right transposed': [
    (a, b) => tf.matMul(a, b, false, true),
    [
      [5, 30],
      [16, 30],
    ],
  ],
  'matrix product, both transposed': [
    (a, b) => tf.matMul(a, b, true, true),
    [
      [30, 5],
      [16, 30],
    ],
  ],
  'batched matrix products': [
    (a, b) => tf.matMul(a, b),
    [
      [3, 2, 5, 4],
      [3, 2, 4, 8],
    ],
  ],
  'one matrix against a batch': [(b) => tf.matMul(tf.tensor(values([2, 3]), [1, 2, 3]), b), [[6, 3, 4]]],
  attention: [
    attention,
    [
      [2, 3, 7, 4],
      [2, 3, 7, 4],
      [2, 3, 7, 4],
    ],
  ],

  'layer norm': [(x, g, b) => tf.add(tf.mul(normalize(x, [2]), g), b), [[3, 4, 9], [9], [9]]],
  'group norm': [(x) => normalize(tf.reshape(x, [2, 30, 2, 3]), [1, 3]), [[2, 5, 6, 6]]],
  softmax: [(x) => tf.softmax(x), [[6, 11]]],
  'log softmax': [(x) => tf.logSoftmax(tf.mul(x, 9)), [[6, 11]]],
  'softmax cross entropy': [
    (x) => tf.neg(tf.mean(tf.sum(tf.mul(tf.oneHot(tf.tensor1d([0, 3, 2], 'int32'), 4), tf.logSoftmax(x)), 1))),
    [[3, 4]],
  ],

  'max pool 3x3 stride 2, explicit padding': [
    (x) => tf.maxPool(as4D(tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], -9)), 3, 2, 'valid'), // prettier-ignore
    [[2, 9, 8, 5]],
  ],
  'max pool 2x2': [(x) => tf.maxPool(as4D(x), 2, 2, 'valid'), [[2, 6, 6, 5]]],
  'max pool, overlapping, same': [(x) => tf.maxPool(as4D(x), 3, 1, 'same'), [IMAGE]],
  'average pool 2x2': [(x) => tf.avgPool(as4D(x), 2, 2, 'valid'), [[2, 6, 6, 5]]],
  'average pool 3x3 stride 2, same': [(x) => tf.avgPool(as4D(x), 3, 2, 'same'), [IMAGE]],
  'global average': [(x) => tf.mean(x, [1, 2]), [IMAGE]],
  'global average, kept': [(x) => tf.mean(x, [1, 2], true), [IMAGE]],
  'sum over the batch': [(x) => tf.sum(x, [0]), [IMAGE]],
  'mean of all': [(x) => tf.mean(x), [IMAGE]],
  'max over space': [(x) => tf.max(x, [1, 2]), [IMAGE]],

  'concat of channels': [(x, y) => tf.concat([x, y], 3), [IMAGE, [2, 7, 6, 3]]],
  'split of channels': [(x) => tf.mul(...pair(tf.split(x, 2, 3))), [[2, 3, 3, 8]]],
  'stack and unstack': [
    (x, y) => tf.add(...pair(tf.unstack(tf.stack([x, y], 1), 1))),
    [
      [4, 3],
      [4, 3],
    ],
  ],
  slice: [(x) => tf.slice(x, [0, 1, 2, 1], [2, 5, 3, 2]), [IMAGE]],
  pad: [(x) => tf.pad(x, [[0, 0], [1, 2], [0, 3], [0, 0]]), [IMAGE]], // prettier-ignore
  'mirror pad': [(x) => tf.mirrorPad(x, [[0, 0], [1, 2], [0, 3], [0, 0]], 'reflect'), [IMAGE]], // prettier-ignore
  transpose: [(x) => tf.transpose(x, [0, 3, 1, 2]), [IMAGE]],
  'transpose of five axes': [(x) => tf.transpose(tf.reshape(x, [2, 7, 6, 5, 1]), [4, 0, 3, 1, 2]), [IMAGE]],
  tile: [(x) => tf.tile(x, [1, 2, 1, 3]), [IMAGE]],
  'broadcast to': [(x) => tf.broadcastTo(x, [3, 4, 5]), [[4, 1]]],
  reverse: [(x) => tf.reverse(x, [1, 2]), [IMAGE]],
  gather: [(x) => tf.gather(x, tf.tensor1d([0, 2, 2, 1], 'int32')), [[4, 6]]],
  'gather of channels': [(x) => tf.gather(x, tf.tensor1d([4, 0, 0], 'int32'), 3), [IMAGE]],
  'cumulative sum': [(x) => tf.cumsum(x, 1), [[3, 5]]],
  'space to batch': [(x) => tf.spaceToBatchND(x, [2, 2], [[0, 1], [0, 0]]), [IMAGE]], // prettier-ignore
  prelu: [(x, a) => tf.prelu(x, a), [IMAGE, [5]]],
};

function pair([a, b]: tf.Tensor[]): [tf.Tensor, tf.Tensor] {
  return [a, b];
}
