// Reshape in our own order: images are turned to channels last before it and back after it.

import type { OnnxLowering } from '../onnx-lowering';
import { fromChannelsLast, toChannelsLast } from '../onnx-lowering';

export const reshape: OnnxLowering<'reshape'> = (node, [x], emit) => {
  const ours = toChannelsLast(emit, x.name, x.shape.length);
  // 0 copies the batch length.
  const reshaped = emit.node('Reshape', [ours, emit.ints([0, ...node.shape])]);
  return fromChannelsLast(emit, reshaped, node.shape.length);
};
