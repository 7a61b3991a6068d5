// See op.ts. Ranks are made equal first: without it tfjs would align the batch axis with a sample's.

import * as tf from '@tensorflow/tfjs-core';
import type { Forward } from '../forward';

/** [n, c] as [n, 1, 1, c] beside a [n, h, w, c]. */
function atRank(x: tf.Tensor, rank: number): tf.Tensor {
  if (x.rank === rank) return x;
  const ones = new Array<number>(rank - x.rank).fill(1);
  return tf.reshape(x, [x.shape[0], ...ones, ...x.shape.slice(1)]);
}

export const add: Forward<'add'> = (_node, [a, b]) => {
  const rank = Math.max(a.rank, b.rank);
  return tf.add(atRank(a, rank), atRank(b, rank));
};

export const multiply: Forward<'multiply'> = (_node, [a, b]) => {
  const rank = Math.max(a.rank, b.rank);
  return tf.mul(atRank(a, rank), atRank(b, rank));
};
