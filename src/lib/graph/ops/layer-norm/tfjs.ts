// See op.ts.

import * as tf from '@tensorflow/tfjs-core';
import type { Forward } from '../forward';
import { required } from '../shared/tfjs';

export const layerNorm: Forward<'layer_norm'> = (node, [x], context) => {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const variance = tf.mean(tf.square(centred), -1, true);
  const normalized = tf.mul(centred, tf.rsqrt(tf.add(variance, node.attributes.epsilon)));
  return tf.add(tf.mul(normalized, required(context, node, 'weight')), required(context, node, 'bias'));
};
