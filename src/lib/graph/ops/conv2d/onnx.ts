// Conv, grouped where groups > 1.

import type { OnnxLowering } from '../onnx-lowering';
import { int, ints, optionalParameter, pads } from '../onnx-lowering';

export const conv2d: OnnxLowering<'conv2d'> = (node, [x], emit) => {
  const { kernel, strides, padding, dilation, groups } = node.attributes;
  const { weight, bias } = node.parameters;
  return emit.node('Conv', [x.name, emit.parameter(weight), ...optionalParameter(emit, bias)], {
    kernel_shape: ints(...kernel),
    strides: ints(...strides),
    pads: pads(padding),
    dilations: ints(...dilation),
    group: int(groups),
  });
};
