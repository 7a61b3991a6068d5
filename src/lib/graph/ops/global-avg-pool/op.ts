// Mean over height and width.

import { defineOperation, elements, imageInput } from '../operation';

export const globalAvgPool = defineOperation<'global_avg_pool'>({
  inputs: 1,
  shape(inputs, { keepDims }) {
    const channels = imageInput(inputs)[2];
    return keepDims ? [1, 1, channels] : [channels];
  },
  flops: ([x]) => elements(x),
});
