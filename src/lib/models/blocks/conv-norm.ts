// Convolution, batch norm, activation: what nearly every convolutional network is made of.

import type { GraphBuilder, Value } from '$lib/graph/builder';
import { samePadding, symmetricPadding } from '$lib/graph/padding';
import { torchDefault } from '$lib/graph/initializers';
import type { InitializerRecipe } from '$lib/graph/initializers';
import type { ActivationKind } from '$lib/graph/types';

export interface ConvNormOptions {
  /** Module paths of the two layers in the PyTorch model. */
  conv: string;
  norm: string;
  /** 'depthwise': one filter per channel. */
  filters: number | 'depthwise';
  kernel: number;
  stride?: number;
  activation: ActivationKind | 'none';
  /** PyTorch's (default) or TensorFlow's "same"; they differ where the stride is 2. */
  padding?: 'symmetric' | 'same';
  /** Of the norm; default 1e-5. */
  epsilon?: number;
  init?: InitializerRecipe;
  /** Of the norm's scale; default ones. */
  normInit?: InitializerRecipe;
}

/** A convolution without bias that pads to keep the size (or its half), its batch norm, and its activation. */
export function convNorm(builder: GraphBuilder, x: Value, options: ConvNormOptions): Value {
  const { conv, norm, filters, kernel, stride = 1, activation, init = torchDefault, normInit } = options;
  const [height, width] = x.shape;
  const padding = options.padding === 'same' ? samePadding([height, width], kernel, stride) : symmetricPadding(kernel);
  const shared = { kernel, stride, padding, bias: false, init };
  const z =
    filters === 'depthwise'
      ? builder.depthwiseConv2d(conv, x, shared)
      : builder.conv2d(conv, x, { ...shared, filters });
  const normalized = builder.batchNorm(norm, z, { epsilon: options.epsilon, init: normInit });
  return activation === 'none' ? normalized : builder.activation(normalized, activation);
}
