// Group normalisation over space and the channels of a group.

import { defineOperation, elements, imageInput, normParameters, shapeError } from '../operation';

export const groupNorm = defineOperation<'group_norm'>({
  inputs: 1,
  shape(inputs, { groups }) {
    const channels = imageInput(inputs)[2];
    if (channels % groups !== 0) throw shapeError(`${groups} groups do not divide ${channels} channels.`);
    return inputs[0];
  },
  parameters: (inputs) => normParameters(imageInput(inputs)[2], false),
  flops: (_inputs, _attributes, output) => 8 * elements(output),
});
