// DepthwiseConv2dNative.

import type { GraphDefLowering } from '../graphdef-lowering';
import { NHWC, addBias, convolutionPadding, spatial } from '../graphdef-lowering';

export const depthwiseConv2d: GraphDefLowering<'depthwise_conv2d'> = (node, [x], emit) => {
  const { strides, padding, dilation } = node.attributes;
  const { weight, bias } = node.parameters;
  const y = emit.node('DepthwiseConv2dNative', [x.name, emit.parameter(weight)], {
    strides: spatial(strides),
    dilations: spatial(dilation),
    ...NHWC,
    ...convolutionPadding(padding),
  });
  return addBias(emit, y, bias);
};
