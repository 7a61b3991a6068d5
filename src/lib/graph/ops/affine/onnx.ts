// Mul and Add with constants per channel.

import type { OnnxLowering } from '../onnx-lowering';
import { channelShape } from '../onnx-lowering';

export const affine: OnnxLowering<'affine'> = (node, [x], emit) => {
  const { scale, shift } = node.attributes;
  const shape = channelShape(scale.length, x.shape.length);
  const scaled = emit.node('Mul', [x.name, emit.floats(scale, shape)]);
  return emit.node('Add', [scaled, emit.floats(shift, shape)]);
};
