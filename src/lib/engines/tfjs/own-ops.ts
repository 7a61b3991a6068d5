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

/** Where a backend registers them; elsewhere tfjs's public ops do. */
export const HARD_SWISH = { forward: 'TrainyardHardSwish', gradient: 'TrainyardHardSwishGradient' } as const;
export const SILU = { gradient: 'TrainyardSiluGradient' } as const;

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

/** x * relu6(x + 3) / 6. */
export function runHardSwish(x: tf.Tensor): tf.Tensor {
  return tf.engine().runKernel(HARD_SWISH.forward, { x });
}

/** x * sigmoid(x), tfjs's own two passes; the gradient is one of ours. */
export function runSilu(x: tf.Tensor): tf.Tensor {
  const differentiable = tf.customGrad((...inputs) => {
    const save = inputs.at(-1);
    const s = tf.sigmoid(x);
    // Before anything is kept: what is kept for an operation that throws is never freed.
    const value = tf.mul(x, s);
    if (typeof save === 'function') save([x, s]);
    const gradFunc = (dy: tf.Tensor, [x0, s0]: tf.Tensor[]): tf.Tensor =>
      tf.engine().runKernel(SILU.gradient, { x: x0, s: s0, dy });
    return { value, gradFunc };
  });
  return differentiable(x);
}

const hardSwishGradient: tf.GradConfig = {
  kernelName: HARD_SWISH.forward,
  inputsToSave: ['x'],
  gradFunc: (dy, [x]) => {
    if (Array.isArray(dy)) throw new Error('An activation has one output.');
    return { x: () => tf.engine().runKernel(HARD_SWISH.gradient, { x, dy }) };
  },
};

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
  for (const gradient of [
    convolutionGradient(CONV2D),
    convolutionGradient(DEPTHWISE),
    batchNormGradient,
    hardSwishGradient,
  ]) {
    tf.registerGradient(gradient);
  }
}
