// ConvTranspose: its padding is cut from the full result, as PyTorch's.

import type { OnnxLowering } from '../onnx-lowering';
import { ints, optionalParameter, pads } from '../onnx-lowering';

export const convTranspose2d: OnnxLowering<'conv_transpose2d'> = (node, [x], emit) => {
  const { kernel, strides, padding, outputPadding } = node.attributes;
  const { weight, bias } = node.parameters;
  return emit.node('ConvTranspose', [x.name, emit.parameter(weight), ...optionalParameter(emit, bias)], {
    kernel_shape: ints(...kernel),
    strides: ints(...strides),
    pads: pads(padding),
    output_padding: ints(...outputPadding),
  });
};
