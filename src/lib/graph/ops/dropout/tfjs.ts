// See op.ts. The masks come from the run's seed, not from tfjs, so that a resumed run drops what the first would have.

import * as tf from '@tensorflow/tfjs-core';
import type { Forward } from '../forward';
import type { RandomStream } from '$lib/core/random';

/** 0 with probability `rate`, else 1 / (1 - rate): the mean stays. */
function mask(shape: number[], rate: number, random: RandomStream): tf.Tensor {
  const values = new Float32Array(shape.reduce((product, length) => product * length, 1));
  const kept = 1 / (1 - rate);
  for (let at = 0; at < values.length; at++) values[at] = random() < rate ? 0 : kept;
  return tf.tensor(values, shape);
}

export const dropout: Forward<'dropout'> = (node, [x], context) =>
  context.training ? tf.mul(x, mask(x.shape, node.attributes.rate, context.random(node))) : x;

export const dropPath: Forward<'drop_path'> = (node, [x], context) => {
  if (!context.training) return x;
  const shape = x.shape.map((length, axis) => (axis === 0 ? length : 1));
  return tf.mul(x, mask(shape, node.attributes.rate, context.random(node)));
};
