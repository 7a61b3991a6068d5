// MaxPool (padding never wins) and AveragePool, which says whether padding counts.

import type { OnnxLowering } from '../onnx-lowering';
import { int, ints, pads } from '../onnx-lowering';

export const maxPool: OnnxLowering<'max_pool'> = (node, [x], emit) => {
  const { kernel, strides, padding } = node.attributes;
  return emit.node('MaxPool', [x.name], {
    kernel_shape: ints(...kernel),
    strides: ints(...strides),
    pads: pads(padding),
  });
};

export const avgPool: OnnxLowering<'avg_pool'> = (node, [x], emit) => {
  const { kernel, strides, padding, countIncludePad } = node.attributes;
  return emit.node('AveragePool', [x.name], {
    kernel_shape: ints(...kernel),
    strides: ints(...strides),
    pads: pads(padding),
    count_include_pad: int(countIncludePad ? 1 : 0),
  });
};
