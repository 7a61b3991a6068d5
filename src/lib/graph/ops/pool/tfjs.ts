// See op.ts.

import * as tf from '@tensorflow/tfjs-core';
import type { Forward } from '../forward';
import { explicitPadding, rank4 } from '../shared/tfjs';

/** tfjs's pools never let padding win. */
export const maxPool: Forward<'max_pool'> = (node, [x]) => {
  const { kernel, strides, padding } = node.attributes;
  const pads = explicitPadding(padding);
  return tf.maxPool(rank4(x, node), [kernel[0], kernel[1]], [strides[0], strides[1]], pads);
};

/** tfjs divides by the number of real pixels under the window; counting the padding means padding first. */
export const avgPool: Forward<'avg_pool'> = (node, [x]) => {
  const { kernel, strides, padding, countIncludePad } = node.attributes;
  const padded = countIncludePad && padding.some((pixels) => pixels > 0);
  const image = rank4(x, node);
  return tf.avgPool(
    padded ? tf.pad(image, explicitPadding(padding)) : image,
    [kernel[0], kernel[1]],
    [strides[0], strides[1]],
    padded ? 'valid' : explicitPadding(padding),
  );
};
