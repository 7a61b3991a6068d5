// Resampling of height and width. Bilinear is half-pixel unless alignCorners; nearest takes floor(i * in / out), both as PyTorch.

import { defineOperation, elements, imageInput, shapeError } from '../operation';

export const resize = defineOperation<'resize'>({
  inputs: 1,
  shape(inputs, { size, method, alignCorners }) {
    if (method === 'nearest' && alignCorners) throw shapeError('nearest has no aligned corners.', 'Use bilinear.');
    if (size.some((length) => !Number.isInteger(length) || length < 1)) {
      throw shapeError(`cannot resize to ${size.join(' x ')}.`);
    }
    return [...size, imageInput(inputs)[2]];
  },
  flops: (_inputs, { method }, output) => (method === 'bilinear' ? 7 * elements(output) : 0),
});
