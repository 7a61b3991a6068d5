// Layer normalisation over the last axis.

import { defineOperation, elements, normParameters } from '../operation';

export const layerNorm = defineOperation<'layer_norm'>({
  inputs: 1,
  shape: ([x]) => x,
  parameters: ([x]) => normParameters(x[x.length - 1], false),
  // Mean 1, variance 3, normalisation 2, scale and shift 2.
  flops: (_inputs, _attributes, output) => 8 * elements(output),
});
