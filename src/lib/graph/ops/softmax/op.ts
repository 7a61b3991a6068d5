// Softmax over the last axis.

import { defineOperation, elements } from '../operation';

export const softmax = defineOperation<'softmax'>({
  inputs: 1,
  shape: ([x]) => x,
  flops: (_inputs, _attributes, output) => 4 * elements(output),
});
