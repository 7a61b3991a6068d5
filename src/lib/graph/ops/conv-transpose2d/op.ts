// Transposed convolution (PyTorch ConvTranspose2d, groups 1, dilation 1).

import { defineOperation, elements, imageInput, shapeError } from '../operation';

export const convTranspose2d = defineOperation<'conv_transpose2d'>({
  inputs: 1,
  shape(inputs, { filters, kernel, strides, padding, outputPadding }) {
    const [height, width] = imageInput(inputs);
    const [top, bottom, left, right] = padding;
    if (outputPadding[0] >= strides[0] || outputPadding[1] >= strides[1]) {
      throw shapeError(
        `output padding ${outputPadding.join(', ')} must be smaller than strides ${strides.join(', ')}.`,
      );
    }
    // PyTorch: (size - 1) * stride - pads + kernel + output padding.
    const outHeight = (height - 1) * strides[0] - top - bottom + kernel[0] + outputPadding[0];
    const outWidth = (width - 1) * strides[1] - left - right + kernel[1] + outputPadding[1];
    if (outHeight < 1 || outWidth < 1) throw shapeError(`its padding removes all of a ${height} x ${width} input.`);
    return [outHeight, outWidth, filters];
  },
  parameters(inputs, { filters, kernel }) {
    const channels = imageInput(inputs)[2];
    const shape = [kernel[0], kernel[1], filters, channels];
    return [
      { role: 'weight', shape, layout: 'conv_transpose', trainable: true, decay: true },
      { role: 'bias', shape: [filters], layout: 'plain', trainable: true, decay: false, optional: true },
    ];
  },
  flops: (inputs, { kernel, filters }) => 2 * kernel[0] * kernel[1] * filters * elements(inputs[0]),
});
