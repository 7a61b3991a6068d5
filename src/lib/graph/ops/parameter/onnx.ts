// An initialiser with a batch axis of 1 in front, which broadcasts.

import type { OnnxLowering } from '../onnx-lowering';
import { fromChannelsLast } from '../onnx-lowering';

export const parameter: OnnxLowering<'parameter'> = (node, _inputs, emit) => {
  const values = emit.node('Reshape', [emit.parameter(node.parameters.value), emit.ints([1, ...node.shape])]);
  return fromChannelsLast(emit, values, node.shape.length);
};
