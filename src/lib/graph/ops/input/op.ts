// The image batch that enters a graph.

import { defineOperation, describeShape, shapeError } from '../operation';

export const input = defineOperation<'input'>({
  inputs: 0,
  shape(_, { shape }) {
    if (shape.length !== 3 || shape.some((length) => !Number.isInteger(length) || length < 1)) {
      throw shapeError(`an input is [height, width, channels], found ${describeShape(shape)}.`);
    }
    return shape;
  },
  flops: () => 0,
});
