// See op.ts.

import * as tf from '@tensorflow/tfjs-core';
import type { Forward } from '../forward';

export const affine: Forward<'affine'> = ({ attributes: { scale, shift } }, [x]) =>
  tf.add(tf.mul(x, tf.tensor1d([...scale])), tf.tensor1d([...shift]));
