// A contiguous range of one per-sample axis.

import { defineOperation, resolveAxis, shapeError } from '../operation';

export const slice = defineOperation<'slice'>({
  inputs: 1,
  shape([x], { axis, begin, size }) {
    const at = resolveAxis(axis, x.length);
    if (begin < 0 || size < 1 || begin + size > x[at]) {
      throw shapeError(`${begin}..${begin + size} is not inside axis ${axis} of length ${x[at]}.`);
    }
    return x.map((length, index) => (index === at ? size : length));
  },
  flops: () => 0,
});
