// The training operations from tfjs's public ops, for backends without kernels of ours: the reference that the fast kernels are
// tested against. Differentiable; dilated convolutions too, whose gradients tfjs itself refuses.

import * as tf from '@tensorflow/tfjs-core';
import type { BatchNormTrainResult, ConvGeometry, FusedActivation } from './types';

/** Inserts d - 1 zeros between the taps of a [kh, kw, i, o] filter, so that a plain convolution computes a dilated one. */
function dilateFilter(filter: tf.Tensor4D, dilation: ConvGeometry['dilation']): tf.Tensor4D {
  const [kh, kw, i, o] = filter.shape;
  const [dh, dw] = dilation;
  if (dh === 1 && dw === 1) return filter;
  const tall = tf.pad(tf.reshape(filter, [kh, 1, kw * i * o]), [[0, 0], [0, dh - 1], [0, 0]]); // prettier-ignore
  const wide = tf.pad(tf.reshape(tall, [kh * dh * kw, 1, i * o]), [[0, 0], [0, dw - 1], [0, 0]]); // prettier-ignore
  const full: tf.Tensor4D = tf.reshape(wide, [kh * dh, kw * dw, i, o]);
  return tf.slice4d(full, [0, 0, 0, 0], [(kh - 1) * dh + 1, (kw - 1) * dw + 1, i, o]);
}

/** tfjs's form of explicit padding for NHWC. */
export function explicitPadding([top, bottom, left, right]: ConvGeometry['padding']): tf.backend_util.ExplicitPadding {
  return [[0, 0], [top, bottom], [left, right], [0, 0]]; // prettier-ignore
}

/** See `conv2d` in index.ts. */
export function composedConv2d(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  geometry: ConvGeometry,
  groups: number,
): tf.Tensor4D {
  const strides: [number, number] = [geometry.strides[0], geometry.strides[1]];
  const padding = explicitPadding(geometry.padding);
  const dilated: tf.Tensor4D = dilateFilter(filter, geometry.dilation);
  if (groups === 1) return tf.conv2d(x, dilated, strides, padding);
  const inputs = tf.split<tf.Tensor4D>(x, groups, 3);
  const filters = tf.split<tf.Tensor4D>(dilated, groups, 3);
  return tf.concat4d(
    inputs.map((input, group) => tf.conv2d(input, filters[group], strides, padding)),
    3,
  );
}

/** See `depthwiseConv2d` in index.ts. */
export function composedDepthwiseConv2d(x: tf.Tensor4D, filter: tf.Tensor4D, geometry: ConvGeometry): tf.Tensor4D {
  const strides: [number, number] = [geometry.strides[0], geometry.strides[1]];
  return tf.depthwiseConv2d(x, dilateFilter(filter, geometry.dilation), strides, explicitPadding(geometry.padding));
}

function activate<T extends tf.Tensor>(z: T, activation: FusedActivation): T {
  if (activation === 'none') return z;
  return activation === 'relu' ? tf.relu(z) : tf.relu6(z);
}

/** 1 where the activation lets the gradient through: 0 < z (< 6), both ends shut, as PyTorch has it. */
function passes(z: tf.Tensor, activation: 'relu' | 'relu6'): tf.Tensor {
  const positive = tf.step(z);
  return activation === 'relu' ? positive : tf.mul(positive, tf.cast(tf.less(z, 6), 'float32'));
}

/** See `batchNormTrain` in index.ts. Backward: Ioffe and Szegedy 2015, section 3, gathered into two sums per channel. */
export function composedBatchNormTrain(
  x: tf.Tensor4D,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
  epsilon: number,
  activation: FusedActivation,
): BatchNormTrainResult {
  const channels = x.shape[3];
  const count = x.size / channels;
  const moments = tf.moments(x, [0, 1, 2]);
  const mean = tf.reshape<tf.Rank.R1>(moments.mean, [channels]);
  const varBiased = tf.reshape<tf.Rank.R1>(moments.variance, [channels]);

  const normalize = tf.customGrad<tf.Tensor4D>((...inputs) => {
    const save = inputs.at(-1);
    const inverse = tf.rsqrt(tf.add(varBiased, epsilon));
    const z = tf.add<tf.Tensor4D>(tf.mul(tf.sub(x, mean), tf.mul(gamma, inverse)), beta);
    const gradFunc = (dy: tf.Tensor4D, saved: tf.Tensor[]): tf.Tensor[] => {
      const [x0, gamma0, beta0, mean0, inverse0] = saved;
      const normalized = tf.mul(tf.sub(x0, mean0), inverse0);
      const dz = activation === 'none' ? dy : tf.mul(dy, passes(tf.add(tf.mul(normalized, gamma0), beta0), activation));
      const dBeta = tf.sum(dz, [0, 1, 2]);
      const dGamma = tf.sum(tf.mul(dz, normalized), [0, 1, 2]);
      const centred = tf.sub(dz, tf.div(tf.add(dBeta, tf.mul(normalized, dGamma)), count));
      return [tf.mul(centred, tf.mul(gamma0, inverse0)), dGamma, dBeta];
    };
    // Before anything is kept: what is kept for an operation that throws is never freed.
    const value = activate(z, activation);
    if (typeof save === 'function') save([x, gamma, beta, mean, inverse]);
    return { value, gradFunc };
  });
  return { y: normalize(x, gamma, beta), mean, varBiased };
}

/** See `hardSwish` in index.ts. */
export function composedHardSwish(x: tf.Tensor): tf.Tensor {
  return tf.mul(x, tf.div(tf.relu6(tf.add(x, 3)), 6));
}

/** See `silu` in index.ts. */
export function composedSilu(x: tf.Tensor): tf.Tensor {
  return tf.mul(x, tf.sigmoid(x));
}

/** See `gelu` in index.ts: 0.5 x (1 + erf(x / sqrt 2)). */
export function composedGelu(x: tf.Tensor): tf.Tensor {
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
}

/** See `layerNorm` in index.ts. */
export function composedLayerNorm(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, epsilon: number): tf.Tensor {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const variance = tf.mean(tf.square(centred), -1, true);
  return tf.add(tf.mul(tf.mul(centred, tf.rsqrt(tf.add(variance, epsilon))), gamma), beta);
}
