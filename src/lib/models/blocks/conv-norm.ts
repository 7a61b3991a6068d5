// Convolution, batch norm, activation: what nearly every convolutional network is made of.

import type { GraphBuilder, Value } from '$lib/graph/builder';
import { symmetricPadding } from '$lib/graph/padding';
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
  init?: InitializerRecipe;
  /** Of the norm's scale; default ones. */
  normInit?: InitializerRecipe;
}

/** A convolution without bias and with symmetric padding, its batch norm, and its activation. */
export function convNorm(builder: GraphBuilder, x: Value, options: ConvNormOptions): Value {
  const { conv, norm, filters, kernel, stride = 1, activation, init = torchDefault, normInit } = options;
  const shared = { kernel, stride, padding: symmetricPadding(kernel), bias: false, init };
  const z =
    filters === 'depthwise'
      ? builder.depthwiseConv2d(conv, x, shared)
      : builder.conv2d(conv, x, { ...shared, filters });
  const normalized = builder.batchNorm(norm, z, { init: normInit });
  return activation === 'none' ? normalized : builder.activation(normalized, activation);
}
