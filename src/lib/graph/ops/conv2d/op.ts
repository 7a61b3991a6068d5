// Convolution, grouped when groups > 1.

import { defineOperation, elements, imageInput, shapeError, windowSize } from '../operation';

export const conv2d = defineOperation<'conv2d'>({
  inputs: 1,
  shape(inputs, attributes) {
    const [height, width, channels] = imageInput(inputs);
    const { filters, groups } = attributes;
    if (channels % groups !== 0 || filters % groups !== 0) {
      throw shapeError(`${groups} groups must divide ${channels} input channels and ${filters} filters.`);
    }
    return [...windowSize([height, width], attributes), filters];
  },
  parameters(inputs, { filters, kernel, groups }) {
    const channels = imageInput(inputs)[2];
    const shape = [kernel[0], kernel[1], channels / groups, filters];
    return [
      { role: 'weight', shape, layout: 'conv', trainable: true, decay: true },
      { role: 'bias', shape: [filters], layout: 'plain', trainable: true, decay: false, optional: true },
    ];
  },
  flops(inputs, { kernel, groups }, output) {
    return 2 * kernel[0] * kernel[1] * (imageInput(inputs)[2] / groups) * elements(output);
  },
});
