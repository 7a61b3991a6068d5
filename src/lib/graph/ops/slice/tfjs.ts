// See op.ts.

import * as tf from '@tensorflow/tfjs-core';
import type { Forward } from '../forward';
import { resolveAxis } from '../operation';

export const slice: Forward<'slice'> = (node, [x]) => {
  const { axis, begin, size } = node.attributes;
  const at = resolveAxis(axis, node.shape.length) + 1;
  const starts = x.shape.map((_, index) => (index === at ? begin : 0));
  return tf.slice(x, starts, x.shape.map((length, index) => (index === at ? size : length))); // prettier-ignore
};
