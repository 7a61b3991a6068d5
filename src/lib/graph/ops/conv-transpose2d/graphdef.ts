// Conv2DBackpropInput, which wants its whole output shape.

import type { GraphDefLowering } from '../graphdef-lowering';
import { NHWC, addBias, convolutionPadding, spatial } from '../graphdef-lowering';

export const convTranspose2d: GraphDefLowering<'conv_transpose2d'> = (node, [x], emit) => {
  const { strides, padding } = node.attributes;
  const { weight, bias } = node.parameters;
  const y = emit.node('Conv2DBackpropInput', [emit.batchShape(node.shape), emit.parameter(weight), x.name], {
    strides: spatial(strides),
    dilations: spatial([1, 1]),
    ...NHWC,
    ...convolutionPadding(padding),
  });
  return addBias(emit, y, bias);
};
