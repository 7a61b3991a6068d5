// See op.ts. The gradient is ours: tfjs 4.22's ignores half-pixel centres, so that it is wrong for every resize but the
// aligned one. Resampling is linear and separable, y = V x H^T with one sparse matrix per axis; its gradient is V^T dy H.

import * as tf from '@tensorflow/tfjs-core';
import type { Forward } from '../forward';
import type { OpAttributes } from '../../types';
import { rank4 } from '../shared/tfjs';

/** The [output, input] matrix of one axis, PyTorch's sampling positions. */
function resampling(input: number, output: number, { method, alignCorners }: OpAttributes['resize']): tf.Tensor2D {
  const matrix = new Float32Array(output * input);
  for (let to = 0; to < output; to++) {
    if (method === 'nearest') {
      matrix[to * input + Math.min(Math.floor((to * input) / output), input - 1)] = 1;
      continue;
    }
    const position = alignCorners
      ? output === 1
        ? 0
        : (to * (input - 1)) / (output - 1)
      : Math.max(((to + 0.5) * input) / output - 0.5, 0);
    const low = Math.min(Math.floor(position), input - 1);
    const high = Math.min(low + 1, input - 1);
    matrix[to * input + low] += 1 - (position - low);
    matrix[to * input + high] += position - low;
  }
  return tf.tensor2d(matrix, [output, input]);
}

/** Transposes the resampling of one axis: dy's axis (of the output's length) back to the input's. */
function back(dy: tf.Tensor4D, axis: 1 | 2, matrix: tf.Tensor2D): tf.Tensor4D {
  const [count, height, width, channels] = dy.shape;
  const inputLength = matrix.shape[1];
  if (axis === 1) {
    const rows = tf.reshape(dy, [count, height, width * channels]);
    const transposed = tf.tile(tf.expandDims(matrix, 0), [count, 1, 1]);
    return tf.reshape(tf.matMul(transposed, rows, true), [count, inputLength, width, channels]);
  }
  const columns = tf.reshape(dy, [count * height, width, channels]);
  const transposed = tf.tile(tf.expandDims(matrix, 0), [count * height, 1, 1]);
  return tf.reshape(tf.matMul(transposed, columns, true), [count, height, inputLength, channels]);
}

export const resize: Forward<'resize'> = (node, [input]) => {
  const { size, method, alignCorners } = node.attributes;
  const x = rank4(input, node);
  const [, height, width] = x.shape;
  const target: [number, number] = [size[0], size[1]];
  const resample = tf.customGrad<tf.Tensor4D>(() => ({
    value:
      method === 'nearest'
        ? tf.image.resizeNearestNeighbor(x, target, false, false)
        : tf.image.resizeBilinear(x, target, alignCorners, !alignCorners),
    gradFunc: (dy: tf.Tensor4D) => {
      const vertical = resampling(height, size[0], node.attributes);
      const horizontal = resampling(width, size[1], node.attributes);
      return back(back(dy, 1, vertical), 2, horizontal);
    },
  }));
  return resample(x);
};
