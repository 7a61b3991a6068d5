// Joins along one per-sample axis.

import { defineOperation, describeShape, resolveAxis, shapeError } from '../operation';

export const concat = defineOperation<'concat'>({
  inputs: 'many',
  shape(inputs, attributes) {
    const [first, ...rest] = inputs;
    const axis = resolveAxis(attributes.axis, first.length);
    for (const other of rest) {
      if (other.length !== first.length || other.some((length, at) => at !== axis && length !== first[at])) {
        throw shapeError(`${describeShape(first)} and ${describeShape(other)} cannot be joined along axis ${axis}.`);
      }
    }
    const total = inputs.reduce((sum, shape) => sum + shape[axis], 0);
    return first.map((length, at) => (at === axis ? total : length));
  },
  flops: () => 0,
});
