// y = x W + b on the last axis.

import { defineOperation, elements } from '../operation';

export const linear = defineOperation<'linear'>({
  inputs: 1,
  shape: ([x], { features }) => [...x.slice(0, -1), features],
  parameters([x], { features }) {
    return [
      { role: 'weight', shape: [x[x.length - 1], features], layout: 'linear', trainable: true, decay: true },
      { role: 'bias', shape: [features], layout: 'plain', trainable: true, decay: false, optional: true },
    ];
  },
  flops: ([x], _attributes, output) => 2 * x[x.length - 1] * elements(output),
});
