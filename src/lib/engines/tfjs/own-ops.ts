// The operations that tfjs does not have and our kernels do: their names, attributes and gradients. Each backend with kernels of
// its own (wasm, cpu) registers them under these names.

import * as tf from '@tensorflow/tfjs-core';
import type { BatchNormTrainResult, ConvGeometry, FusedActivation } from './wasm/types';

/** Kernel names; `input` and `filter` are the gradients'. */
export const CONV2D = {
  forward: 'TrainyardConv2d',
  input: 'TrainyardConv2dInputGradient',
  filter: 'TrainyardConv2dFilterGradient',
} as const;

export const DEPTHWISE = {
  forward: 'TrainyardDepthwiseConv2d',
  input: 'TrainyardDepthwiseConv2dInputGradient',
  filter: 'TrainyardDepthwiseConv2dFilterGradient',
} as const;

export const BATCH_NORM = { forward: 'TrainyardBatchNorm', gradient: 'TrainyardBatchNormGradient' } as const;

/** Of CONV2D; a depthwise convolution has no groups. */
export interface ConvAttributes extends ConvGeometry {
  groups: number;
}

export interface GradientOf {
  /** Of the tensor whose gradient it is. */
  shape: number[];
}

export interface BatchNormAttributes {
  epsilon: number;
  activation: FusedActivation;
}

function asAttributes({ strides, padding, dilation }: ConvGeometry): tf.NamedAttrMap {
  return { strides: [...strides], padding: [...padding], dilation: [...dilation] };
}

/** x [n, h, w, in], filter [kh, kw, in / groups, out] -> [n, oh, ow, out]. */
export function runConv2d(x: tf.Tensor4D, filter: tf.Tensor4D, geometry: ConvGeometry, groups: number): tf.Tensor4D {
  return tf.engine().runKernel(CONV2D.forward, { x, filter }, { ...asAttributes(geometry), groups });
}

/** x [n, h, w, c], filter [kh, kw, c, multiplier] -> [n, oh, ow, c * multiplier]. */
export function runDepthwiseConv2d(x: tf.Tensor4D, filter: tf.Tensor4D, geometry: ConvGeometry): tf.Tensor4D {
  return tf.engine().runKernel(DEPTHWISE.forward, { x, filter }, asAttributes(geometry));
}

/** x [n, h, w, c]; gamma, beta [c]. */
export function runBatchNormTrain(
  x: tf.Tensor4D,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
  epsilon: number,
  activation: FusedActivation,
): BatchNormTrainResult {
  const outputs: [tf.Tensor4D, tf.Tensor1D, tf.Tensor1D] = tf
    .engine()
    .runKernel(BATCH_NORM.forward, { x, gamma, beta }, { epsilon, activation });
  const [y, mean, varBiased] = outputs;
  return { y, mean, varBiased };
}

function convolutionGradient(names: typeof CONV2D | typeof DEPTHWISE): tf.GradConfig {
  return {
    kernelName: names.forward,
    inputsToSave: ['x', 'filter'],
    gradFunc: (dy, [x, filter], attributes) => {
      if (Array.isArray(dy)) throw new Error('A convolution has one output.');
      const run = (name: string, inputs: tf.NamedTensorMap, shape: number[]): tf.Tensor =>
        tf.engine().runKernel(name, inputs, { ...attributes, shape });
      return {
        x: () => run(names.input, { dy, filter }, x.shape),
        filter: () => run(names.filter, { x, dy }, filter.shape),
      };
    },
  };
}

const batchNormGradient: tf.GradConfig = {
  kernelName: BATCH_NORM.forward,
  inputsToSave: ['x', 'gamma', 'beta'],
  outputsToSave: [false, true, true],
  gradFunc: (dys, [x, gamma, beta, mean, variance], attributes) => {
    if (!Array.isArray(dys)) throw new Error('Batch norm has three outputs.');
    // All three come from the same two passes: run now, not on first use, because each use is in a scope of its own
    // that would dispose the other two.
    const inputs = { x, dy: dys[0], gamma, beta, mean, variance };
    const gradients: tf.Tensor[] = tf.engine().runKernel(BATCH_NORM.gradient, inputs, { ...attributes });
    return { x: () => gradients[0], gamma: () => gradients[1], beta: () => gradients[2] };
  },
};

/** Tells tfjs the derivatives, which are the same on every backend. Idempotent. */
export function registerOwnGradients(): void {
  if (tf.getGradient(CONV2D.forward) !== undefined) return;
  for (const gradient of [convolutionGradient(CONV2D), convolutionGradient(DEPTHWISE), batchNormGradient]) {
    tf.registerGradient(gradient);
  }
}
