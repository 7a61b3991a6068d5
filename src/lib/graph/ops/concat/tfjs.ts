// See op.ts.

import * as tf from '@tensorflow/tfjs-core';
import type { Forward } from '../forward';
import { resolveAxis } from '../operation';
import { withFullBatch } from '../shared/tfjs';

export const concat: Forward<'concat'> = (node, inputs) =>
  tf.concat(withFullBatch(inputs), resolveAxis(node.attributes.axis, node.shape.length) + 1);
