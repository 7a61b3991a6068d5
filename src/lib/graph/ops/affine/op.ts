// y = x * scale + shift per channel, with constants: how normalisation enters a graph.

import { defineOperation, elements, shapeError } from '../operation';

export const affine = defineOperation<'affine'>({
  inputs: 1,
  shape([x], { scale, shift }) {
    const channels = x[x.length - 1];
    if (scale.length !== channels || shift.length !== channels) {
      throw shapeError(
        `${channels} channels need as many scales and shifts, found ${scale.length} and ${shift.length}.`,
      );
    }
    return x;
  },
  flops: (_inputs, _attributes, output) => 2 * elements(output),
});
