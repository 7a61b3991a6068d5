// See op.ts. Formulas and constants are PyTorch's: hard_sigmoid is relu6(x + 3) / 6, gelu is the exact one.

import * as tf from '@tensorflow/tfjs-core';
import type { Forward } from '../forward';

const hardSigmoid = (x: tf.Tensor): tf.Tensor => tf.div(tf.relu6(tf.add(x, 3)), 6);

/** 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), Hendrycks and Gimpel 2016. */
const geluTanh = (x: tf.Tensor): tf.Tensor => {
  const cube = tf.mul(tf.mul(x, x), x);
  const inner = tf.mul(tf.add(x, tf.mul(cube, 0.044715)), Math.sqrt(2 / Math.PI));
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(inner), 1));
};

export const activation: Forward<'activation'> = ({ attributes: { kind, slope } }, [x], { kernels }) => {
  switch (kind) {
    case 'relu':
      return tf.relu(x);
    case 'relu6':
      return tf.relu6(x);
    case 'leaky_relu':
      return tf.leakyRelu(x, slope);
    case 'sigmoid':
      return tf.sigmoid(x);
    case 'tanh':
      return tf.tanh(x);
    case 'silu':
      return kernels.silu(x);
    case 'gelu':
      return kernels.gelu(x);
    case 'gelu_tanh':
      return geluTanh(x);
    case 'hard_sigmoid':
      return hardSigmoid(x);
    case 'hard_swish':
      return kernels.hardSwish(x);
    default:
      return kind satisfies never;
  }
};
