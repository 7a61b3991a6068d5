// See op.ts.

import * as tf from '@tensorflow/tfjs-core';
import type { Forward } from '../forward';
import { required } from '../shared/tfjs';
import { NORM_EPSILON } from './op';

/**
 * x / max(|x|, epsilon) along an axis. By the square, whose gradient is finite at zero where the norm's is not; epsilon squared
 * is still a normal float32.
 */
function normalize(x: tf.Tensor, axis: number): tf.Tensor {
  const square = tf.maximum(tf.sum(tf.square(x), axis, true), tf.scalar(NORM_EPSILON ** 2));
  return tf.mul(x, tf.rsqrt(square));
}

export const cosineLinear: Forward<'cosine_linear'> = (node, [x], context) => {
  const weight = required(context, node, 'weight');
  const rows = normalize(tf.reshape(x, [-1, weight.shape[0]]), 1);
  const y = tf.mul(tf.matMul(rows, normalize(weight, 0)), node.attributes.scale);
  return tf.reshape(y, [...x.shape.slice(0, -1), node.attributes.features]);
};
