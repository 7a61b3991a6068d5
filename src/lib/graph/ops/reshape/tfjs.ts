// See op.ts.

import * as tf from '@tensorflow/tfjs-core';
import type { Forward } from '../forward';

export const reshape: Forward<'reshape'> = ({ attributes: { shape } }, [x]) => tf.reshape(x, [x.shape[0], ...shape]);
