// The shared types of the fast training operations. No code.

import type { Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';
import type { Padding, Pair } from '$lib/graph/types';

/** Where a convolution looks. The same meaning as the attributes of the graph's conv2d. */
export interface ConvGeometry {
  /** [vertical, horizontal]. */
  strides: Pair;
  /** Zeros around the input, [top, bottom, left, right]. */
  padding: Padding;
  /** Distance between kernel taps; 1 is a plain convolution. */
  dilation: Pair;
}

/** An activation that batch norm can apply in the same pass. */
export type FusedActivation = 'none' | 'relu' | 'relu6';

export interface BatchNormTrainResult {
  /** act((x - mean) / sqrt(var + epsilon) * gamma + beta), the shape of x. */
  y: Tensor4D;
  /** Per channel, over batch and space. Carries no gradient of its own: for the running statistics. */
  mean: Tensor1D;
  /** Biased (divided by n), as the normalisation uses it. Multiply by n / (n - 1) for PyTorch's running_var. */
  varBiased: Tensor1D;
}
