// See op.ts.

import * as tf from '@tensorflow/tfjs-core';
import type { Forward } from '../forward';
import { resolveAxis } from '../operation';

export const concat: Forward<'concat'> = (node, inputs) => {
  const axis = resolveAxis(node.attributes.axis, node.shape.length) + 1;
  const count = Math.max(...inputs.map((x) => x.shape[0]));
  // A learned token has batch axis 1 and joins every sample.
  const full = inputs.map((x) => (x.shape[0] === count ? x : tf.tile(x, [count, ...x.shape.slice(1).map(() => 1)])));
  return tf.concat(full, axis);
};
