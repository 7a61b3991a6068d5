// Conv2D. TF.js has no grouped convolution: the channels are split, convolved group by group and joined.

import type { GraphDefLowering } from '../graphdef-lowering';
import { NHWC, addBias, concatenate, convolutionPadding, spatial } from '../graphdef-lowering';

export const conv2d: GraphDefLowering<'conv2d'> = (node, [x], emit) => {
  const { filters, kernel, strides, padding, dilation, groups } = node.attributes;
  const { weight, bias } = node.parameters;
  const attributes = {
    strides: spatial(strides),
    dilations: spatial(dilation),
    ...NHWC,
    ...convolutionPadding(padding),
  };
  const weights = emit.parameter(weight);
  if (groups === 1) return addBias(emit, emit.node('Conv2D', [x.name, weights], attributes), bias);
  const channels = x.shape[2] / groups;
  const outputs = Array.from({ length: groups }, (_, group) => {
    const images = emit.node('Slice', [
      x.name,
      emit.ints([0, 0, 0, group * channels]),
      emit.ints([-1, -1, -1, channels]),
    ]);
    const part = emit.node('Slice', [
      weights,
      emit.ints([0, 0, 0, (group * filters) / groups]),
      emit.ints([...kernel, channels, filters / groups]),
    ]);
    return emit.node('Conv2D', [images, part], attributes);
  });
  return addBias(emit, concatenate(emit, outputs, 3), bias);
};
