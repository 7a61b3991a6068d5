// See op.ts.

import * as tf from '@tensorflow/tfjs-core';
import type { Forward } from '../forward';
import { required, withBias } from '../shared/tfjs';

export const linear: Forward<'linear'> = (node, [x], context) => {
  const weight = required(context, node, 'weight');
  const rows = tf.reshape(x, [-1, weight.shape[0]]);
  const y = withBias(tf.matMul(rows, weight), context, node);
  return tf.reshape(y, [...x.shape.slice(0, -1), node.attributes.features]);
};
