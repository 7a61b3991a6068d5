// A permutation of the per-sample axes.

import { defineOperation, shapeError } from '../operation';

export const transpose = defineOperation<'transpose'>({
  inputs: 1,
  shape([x], { order }) {
    const sorted = [...order].sort((a, b) => a - b);
    if (order.length !== x.length || sorted.some((axis, at) => axis !== at)) {
      throw shapeError(`order ${order.join(', ')} is not a permutation of ${x.length} axes.`);
    }
    return order.map((axis) => x[axis]);
  },
  flops: () => 0,
});
