// See op.ts.

import * as tf from '@tensorflow/tfjs-core';
import type { Forward } from '../forward';
import { explicitPadding, rank4, required, withBias } from '../shared/tfjs';

export const convTranspose2d: Forward<'conv_transpose2d'> = (node, [x], context) => {
  const [height, width, channels] = node.shape;
  const { strides, padding } = node.attributes;
  const filter = rank4(required(context, node, 'weight'), node);
  const outputShape: [number, number, number, number] = [x.shape[0], height, width, channels];
  const y = tf.conv2dTranspose(rank4(x, node), filter, outputShape, [strides[0], strides[1]], explicitPadding(padding));
  return withBias(y, context, node);
};
