// One training step of tiny-cnn (32 x 32, batch 64) on bare operations, for benchmarks of the kernels alone: no engine, no
// pipeline, no optimiser.

import * as tf from '@tensorflow/tfjs-core';
import { batchNormTrain, conv2d, depthwiseConv2d, type ConvGeometry } from '$lib/engines/tfjs/wasm';

const BATCH = 64;
const BLOCKS: readonly (readonly [filters: number, stride: number])[] = [
  [64, 2],
  [64, 1],
  [128, 2],
  [128, 1],
  [256, 2],
  [256, 1],
];

function geometry(stride: number, padding: number): ConvGeometry {
  return { strides: [stride, stride], padding: [padding, padding, padding, padding], dilation: [1, 1] };
}

/** Parameters in order of use; taken one by one by the forward pass. */
function parameters(): tf.Variable[] {
  const list: tf.Tensor[] = [];
  const convolution = (...shape: number[]): void => {
    const fan = shape[0] * shape[1] * shape[2];
    list.push(tf.randomNormal(shape, 0, Math.sqrt(2 / fan), 'float32', list.length + 1));
  };
  const norm = (channels: number): void => void list.push(tf.ones([channels]), tf.zeros([channels]));
  convolution(3, 3, 3, 32);
  norm(32);
  let channels = 32;
  for (const [filters] of BLOCKS) {
    convolution(3, 3, channels, 1);
    norm(channels);
    convolution(1, 1, channels, filters);
    norm(filters);
    channels = filters;
  }
  list.push(tf.randomNormal([256, 10], 0, 0.06, 'float32', 77), tf.zeros([10]));
  return list.map((value) => tf.variable(value));
}

function forward(x: tf.Tensor4D, variables: readonly tf.Variable[]): tf.Tensor2D {
  let next = 0;
  const take = <R extends tf.Rank>(shape: tf.ShapeMap[R]): tf.Tensor<R> => tf.reshape<R>(variables[next++], shape);
  const norm = (y: tf.Tensor4D): tf.Tensor4D => {
    const channels = y.shape[3];
    return batchNormTrain(y, take<tf.Rank.R1>([channels]), take<tf.Rank.R1>([channels]), 1e-5, 'relu6').y;
  };
  let y = norm(conv2d(x, take<tf.Rank.R4>([3, 3, 3, 32]), geometry(1, 1)));
  for (const [filters, stride] of BLOCKS) {
    const channels = y.shape[3];
    y = norm(depthwiseConv2d(y, take<tf.Rank.R4>([3, 3, channels, 1]), geometry(stride, 1)));
    y = norm(conv2d(y, take<tf.Rank.R4>([1, 1, channels, filters]), geometry(1, 0)));
  }
  const pooled = tf.mean<tf.Tensor2D>(y, [1, 2]);
  return tf.add(tf.matMul(tf.dropout(pooled, 0.2), take<tf.Rank.R2>([256, 10])), take<tf.Rank.R1>([10]));
}

/** The loss of a fixed batch, and a step that computes it with all gradients and throws them away. */
export function makeStep(): { loss: () => tf.Scalar; step: () => void } {
  const variables = parameters();
  const x = tf.randomUniform<tf.Rank.R4>([BATCH, 32, 32, 3], 0, 1, 'float32', 5);
  const classes = tf.tensor1d(
    Int32Array.from({ length: BATCH }, (_, i) => i % 10),
    'int32',
  );
  const labels = tf.oneHot(classes, 10);
  const loss = (): tf.Scalar =>
    tf.tidy(() => tf.neg(tf.mean(tf.sum(tf.mul(labels, tf.logSoftmax(forward(x, variables))), 1))));
  const step = (): void => {
    const { value, grads } = tf.variableGrads(loss);
    value.dispose();
    for (const gradient of Object.values(grads)) gradient.dispose();
  };
  return { loss, step };
}
