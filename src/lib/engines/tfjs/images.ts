// A batch's arrays as tensors.

import * as tf from '@tensorflow/tfjs-core';
import { TrainyardError } from '$lib/core/errors';
import type { Graph } from '$lib/graph/types';
import type { Batch, TargetArray } from '../contract';

const UNIT = Float32Array.from({ length: 256 }, (_, byte) => byte / 255);

/** [n, height, width, 3] float32; bytes become 0..1. The caller frees it. Throws `batch-shape`. */
export function imagesToTensor(batch: Pick<Batch, 'images' | 'shape'>, graph: Graph): tf.Tensor4D {
  const { images, shape } = batch;
  const [count, ...sample] = shape;
  const wanted = graph.nodes[0].shape;
  if (
    sample.some((length, axis) => length !== wanted[axis]) ||
    images.length !== count * sample.reduce((a, b) => a * b)
  ) {
    throw new TrainyardError(
      'batch-shape',
      `The model reads images of ${wanted.join(' x ')}, found a batch of ${shape.join(' x ')} with ${images.length} values.`,
      'Resize the images to the size that the model was built for.',
      { badInput: false },
    );
  }
  if (images instanceof Float32Array) return tf.tensor4d(images, [...shape]);
  const values = new Float32Array(images.length);
  for (let at = 0; at < values.length; at++) values[at] = UNIT[images[at]];
  return tf.tensor4d(values, [...shape]);
}

export function targetsToTensor({ values, shape }: TargetArray): tf.Tensor {
  return tf.tensor(values, [...shape], values instanceof Int32Array ? 'int32' : 'float32');
}
