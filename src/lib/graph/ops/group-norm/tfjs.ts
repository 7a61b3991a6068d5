// See op.ts.

import * as tf from '@tensorflow/tfjs-core';
import type { Forward } from '../forward';
import { required } from '../shared/tfjs';

export const groupNorm: Forward<'group_norm'> = (node, [x], context) => {
  const { groups, epsilon } = node.attributes;
  const [height, width, channels] = node.shape;
  const grouped = tf.reshape(x, [x.shape[0], height * width, groups, channels / groups]);
  const centred = tf.sub(grouped, tf.mean(grouped, [1, 3], true));
  const variance = tf.mean(tf.square(centred), [1, 3], true);
  const normalized = tf.reshape(tf.mul(centred, tf.rsqrt(tf.add(variance, epsilon))), x.shape);
  return tf.add(tf.mul(normalized, required(context, node, 'weight')), required(context, node, 'bias'));
};
