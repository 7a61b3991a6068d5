// See op.ts.

import * as tf from '@tensorflow/tfjs-core';
import type { Forward } from '../forward';
import type { NodeOf } from '../../types';
import { explicitPadding, rank4 } from '../shared/tfjs';

/** tfjs's pools never let padding win. */
export const maxPool: Forward<'max_pool'> = (node, [x]) => {
  const { kernel, strides, padding } = node.attributes;
  const pads = explicitPadding(padding);
  return tf.maxPool(rank4(x, node), [kernel[0], kernel[1]], [strides[0], strides[1]], pads);
};

/**
 * Pads first: tfjs leaves padding out of the count in the forward pass, but its gradient counts it. Where padding does not
 * count, the means over the whole window are scaled up to means over its real pixels.
 */
export const avgPool: Forward<'avg_pool'> = (node, [x]) => {
  const { kernel, strides, padding, countIncludePad } = node.attributes;
  const image = rank4(x, node);
  const padded = padding.some((pixels) => pixels > 0);
  const means = tf.avgPool(
    padded ? tf.pad(image, explicitPadding(padding)) : image,
    [kernel[0], kernel[1]],
    [strides[0], strides[1]],
    'valid',
  );
  return padded && !countIncludePad ? tf.mul(means, realShare(node, image.shape[1], image.shape[2])) : means;
};

/** Window size over the number of real pixels in it, [1, output height, output width, 1]. */
function realShare(node: NodeOf<'avg_pool'>, height: number, width: number): tf.Tensor4D {
  const { kernel, strides, padding } = node.attributes;
  const [rows, columns] = node.shape;
  const inside = (index: number, axis: 0 | 1, before: number, size: number): number => {
    const first = index * strides[axis] - before;
    return Math.min(first + kernel[axis], size) - Math.max(first, 0);
  };
  const shares = new Float32Array(rows * columns);
  for (let at = 0; at < shares.length; at++) {
    const real = inside(Math.floor(at / columns), 0, padding[0], height) * inside(at % columns, 1, padding[2], width);
    shares[at] = (kernel[0] * kernel[1]) / real;
  }
  return tf.tensor4d(shares, [1, rows, columns, 1]);
}
