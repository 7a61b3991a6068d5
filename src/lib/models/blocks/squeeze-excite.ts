// Squeeze-and-excitation (Hu et al. 2018) as timm's mobile networks name it: two 1 x 1 convolutions on the pooled map gate it.

import type { GraphBuilder, Value } from '$lib/graph/builder';
import { efficientNetConv, zeros } from '$lib/graph/initializers';
import type { ActivationKind } from '$lib/graph/types';

export interface SqueezeExciteOptions {
  /** Of the module: 'blocks.0.0.se'. */
  name: string;
  /** Channels between the two convolutions. */
  channels: number;
  activation: ActivationKind;
  gate: 'sigmoid' | 'hard_sigmoid';
}

/** `x` with each channel scaled by its gate in 0..1. */
export function squeezeExcite(builder: GraphBuilder, x: Value, options: SqueezeExciteOptions): Value {
  const { name, channels, activation, gate } = options;
  const shared = { kernel: 1, init: efficientNetConv, biasInit: zeros };
  const pooled = builder.globalAvgPool(x, { keepDims: true, name: `${name}.pool` });
  const reduced = builder.conv2d(`${name}.conv_reduce`, pooled, { ...shared, filters: channels });
  const inner = builder.activation(reduced, activation, { name: `${name}.act1` });
  const expanded = builder.conv2d(`${name}.conv_expand`, inner, { ...shared, filters: x.shape[2] });
  return builder.multiply(x, builder.activation(expanded, gate, { name: `${name}.gate` }), `${name}.scale`);
}
