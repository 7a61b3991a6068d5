// Another shape over the same values in the same (NHWC) order.

import { defineOperation, describeShape, elements, shapeError } from '../operation';

export const reshape = defineOperation<'reshape'>({
  inputs: 1,
  shape([x], { shape }) {
    if (elements(x) !== elements(shape)) {
      throw shapeError(`${describeShape(x)} cannot become ${describeShape(shape)}: the number of values differs.`);
    }
    return shape;
  },
  flops: () => 0,
  kept: () => 0,
});
