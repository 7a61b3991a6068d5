// Batch normalisation over everything but the last axis; running statistics outside training.

import { defineOperation, elements, normParameters } from '../operation';

export const batchNorm = defineOperation<'batch_norm'>({
  inputs: 1,
  shape: ([x]) => x,
  parameters: ([x]) => normParameters(x[x.length - 1], true),
  flops: (_inputs, _attributes, output) => 2 * elements(output),
});
