// See op.ts.

import * as tf from '@tensorflow/tfjs-core';
import type { Forward } from '../forward';

export const globalAvgPool: Forward<'global_avg_pool'> = ({ attributes: { keepDims } }, [x]) =>
  tf.mean(x, [1, 2], keepDims);
