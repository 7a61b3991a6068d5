// See op.ts.

import * as tf from '@tensorflow/tfjs-core';
import type { Forward } from '../forward';

export const softmax: Forward<'softmax'> = (_node, [x]) => tf.softmax(x);
