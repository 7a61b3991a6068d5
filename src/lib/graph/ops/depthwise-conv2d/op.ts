// One filter (or `multiplier` filters) per channel.

import { defineOperation, elements, imageInput, windowSize } from '../operation';

export const depthwiseConv2d = defineOperation<'depthwise_conv2d'>({
  inputs: 1,
  shape(inputs, attributes) {
    const [height, width, channels] = imageInput(inputs);
    return [...windowSize([height, width], attributes), channels * attributes.multiplier];
  },
  parameters(inputs, { kernel, multiplier }) {
    const channels = imageInput(inputs)[2];
    const shape = [kernel[0], kernel[1], channels, multiplier];
    return [
      { role: 'weight', shape, layout: 'depthwise', trainable: true, decay: true },
      { role: 'bias', shape: [channels * multiplier], layout: 'plain', trainable: true, decay: false, optional: true },
    ];
  },
  flops: (_inputs, { kernel }, output) => 2 * kernel[0] * kernel[1] * elements(output),
});
