// Transpose by a permutation of our axes, said in the order in which ONNX holds them.

import type { OnnxLowering } from '../onnx-lowering';
import { fromChannelsLast, toChannelsLast } from '../onnx-lowering';

export const transpose: OnnxLowering<'transpose'> = (node, [x], emit) => {
  const rank = x.shape.length;
  const ours = toChannelsLast(emit, x.name, rank);
  const permuted = emit.transpose(ours, [0, ...node.attributes.order.map((axis) => axis + 1)]);
  return fromChannelsLast(emit, permuted, rank);
};
