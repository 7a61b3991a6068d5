// The fast operations that the graph's forward functions are given: one set to differentiate, one to evaluate.

import * as tf from '@tensorflow/tfjs-core';
import type { Kernels } from '$lib/graph/ops/forward';
import type { DeviceReport } from '../contract';
import { batchNormTrain, conv2d, depthwiseConv2d, gelu, hardSwish, layerNorm, silu } from './wasm';
import type { ConvGeometry, FusedActivation } from './wasm';
import { matrixGradientConv2d } from './webgpu-conv2d';

/** Differentiable on every backend. */
export const trainingKernels: Kernels = {
  conv2d(x, filter, geometry, groups, bias, activation) {
    const { dilation } = geometry;
    const plain = groups === 1 && dilation[0] === 1 && dilation[1] === 1;
    const convolve = plain && tf.getBackend() === 'webgpu' ? matrixGradientConv2d : conv2d;
    return finish(convolve(x, filter, geometry, groups), bias, activation);
  },
  depthwiseConv2d: (x, filter, geometry, bias, activation) =>
    finish(depthwiseConv2d(x, filter, geometry), bias, activation),
  batchNormTrain,
  hardSwish,
  silu,
  gelu,
  layerNorm,
};

/** Evaluation only: bias and activation cost no pass of their own over the activations. */
export const fusedKernels: Kernels = {
  conv2d(x, filter, geometry, groups, bias, activation) {
    if (groups > 1) return finish(conv2d(x, filter, geometry, groups), bias, activation);
    return tf.fused.conv2d({ x, filter, ...fusedOptions(geometry, bias, activation) });
  },
  depthwiseConv2d(x, filter, geometry, bias, activation) {
    const { padding, strides, dilation } = geometry;
    const [kh, kw] = filter.shape;
    // tfjs takes one number for all sides here, and then believes kernel and strides to be square and dense.
    const square = kh === kw && strides[0] === strides[1] && dilation[0] === 1 && dilation[1] === 1;
    const one = square && padding[0] > 0 && padding.every((pixels) => pixels === padding[0]);
    const bare = one || padding.every((pixels) => pixels === 0);
    const padded = bare ? x : tf.pad(x, explicitPadding(padding));
    const options = { ...fusedOptions(geometry, bias, activation), pad: one ? padding[0] : ('valid' as const) };
    return tf.fused.depthwiseConv2d({ x: padded, filter, ...options });
  },
  batchNormTrain,
  hardSwish,
  silu,
  gelu,
  layerNorm,
};

/**
 * What evaluates fastest on a device. tfjs's fused kernels use one thread on wasm; ours use all, which is worth more. On cpu
 * they are plain loops.
 */
export function inferenceKernels({ backend, threads = 1 }: Pick<DeviceReport, 'backend' | 'threads'>): Kernels {
  return backend === 'cpu' || (backend === 'wasm' && threads > 1) ? trainingKernels : fusedKernels;
}

function finish(y: tf.Tensor4D, bias: tf.Tensor1D | null, activation: FusedActivation): tf.Tensor4D {
  const z = bias === null ? y : tf.add<tf.Tensor4D>(y, bias);
  if (activation === 'none') return z;
  return activation === 'relu' ? tf.relu(z) : tf.relu6(z);
}

const ACTIVATIONS = { none: 'linear', relu: 'relu', relu6: 'relu6' } as const;

function explicitPadding([top, bottom, left, right]: ConvGeometry['padding']): tf.backend_util.ExplicitPadding {
  return [[0, 0], [top, bottom], [left, right], [0, 0]]; // prettier-ignore
}

function fusedOptions({ strides, padding, dilation }: ConvGeometry, bias: tf.Tensor1D | null, kind: FusedActivation) {
  const pair = ([vertical, horizontal]: ConvGeometry['strides']): [number, number] => [vertical, horizontal];
  return {
    strides: pair(strides),
    dilations: pair(dilation),
    pad: explicitPadding(padding),
    activation: ACTIVATIONS[kind],
    ...(bias === null ? {} : { bias }),
  };
}
