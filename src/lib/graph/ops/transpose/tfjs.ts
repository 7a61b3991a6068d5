// See op.ts.

import * as tf from '@tensorflow/tfjs-core';
import type { Forward } from '../forward';

export const transpose: Forward<'transpose'> = ({ attributes: { order } }, [x]) =>
  tf.transpose(x, [0, ...order.map((axis) => axis + 1)]);
