// Conv with as many groups as channels.

import type { OnnxLowering } from '../onnx-lowering';
import { int, ints, optionalParameter, pads } from '../onnx-lowering';

export const depthwiseConv2d: OnnxLowering<'depthwise_conv2d'> = (node, [x], emit) => {
  const { kernel, strides, padding, dilation } = node.attributes;
  const { weight, bias } = node.parameters;
  return emit.node('Conv', [x.name, emit.parameter(weight), ...optionalParameter(emit, bias)], {
    kernel_shape: ints(...kernel),
    strides: ints(...strides),
    pads: pads(padding),
    dilations: ints(...dilation),
    group: int(x.shape[2]),
  });
};
