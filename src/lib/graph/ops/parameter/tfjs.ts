// See op.ts.

import * as tf from '@tensorflow/tfjs-core';
import type { Forward } from '../forward';
import { required } from '../shared/tfjs';

export const parameter: Forward<'parameter'> = (node, _inputs, context) =>
  tf.expandDims(required(context, node, 'value'), 0);
