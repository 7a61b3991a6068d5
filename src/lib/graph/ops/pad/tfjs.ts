// See op.ts.

import * as tf from '@tensorflow/tfjs-core';
import type { Forward } from '../forward';
import { explicitPadding } from '../shared/tfjs';

export const pad: Forward<'pad'> = ({ attributes: { padding } }, [x]) => tf.pad(x, explicitPadding(padding));
