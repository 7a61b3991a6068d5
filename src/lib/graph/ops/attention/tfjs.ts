// See op.ts.

import * as tf from '@tensorflow/tfjs-core';
import type { Forward } from '../forward';
import { withFullBatch } from '../shared/tfjs';
import type { Shape } from '../../types';

/** [n, tokens, heads * d] -> [n, heads, tokens, d]. */
function splitHeads(x: tf.Tensor, heads: number): tf.Tensor {
  const [count, tokens, features]: Shape = x.shape;
  return tf.transpose(tf.reshape(x, [count, tokens, heads, features / heads]), [0, 2, 1, 3]);
}

export const attention: Forward<'attention'> = ({ attributes: { heads } }, inputs) => {
  const [q, k, v] = withFullBatch(inputs);
  const [count, tokens, features]: Shape = q.shape;
  const scale = 1 / Math.sqrt(features / heads);
  const scores = tf.matMul(splitHeads(tf.mul(q, scale), heads), splitHeads(k, heads), false, true);
  const mixed = tf.matMul(tf.softmax(scores), splitHeads(v, heads));
  return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [count, tokens, v.shape[v.rank - 1]]);
};
