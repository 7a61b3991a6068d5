// y = scale * cos(x, w) for every output, on the last axis: x / max(|x|, 1e-12) times w / max(|w|, 1e-12), as PyTorch's
// F.normalize has it. No bias: only directions count.

import { defineOperation, elements } from '../operation';

/** Norms are at least this, so that a vector of zeros gives zeros. */
export const NORM_EPSILON = 1e-12;

export const cosineLinear = defineOperation<'cosine_linear'>({
  inputs: 1,
  shape: ([x], { features }) => [...x.slice(0, -1), features],
  parameters([x], { features }) {
    return [{ role: 'weight', shape: [x[x.length - 1], features], layout: 'linear', trainable: true, decay: true }];
  },
  // Squares, sums and quotients of input and weights beside the product itself, then the scale.
  flops: ([x], { features }, output) =>
    2 * x[x.length - 1] * elements(output) + 3 * elements(x) + 3 * x[x.length - 1] * features + elements(output),
});
