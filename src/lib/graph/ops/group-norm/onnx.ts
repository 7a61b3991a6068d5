// Group normalisation: ONNX has its own operation from opset 18 on, so each group is made an "instance" here.

import type { OnnxLowering } from '../onnx-lowering';
import { float, perChannel, storedShape } from '../onnx-lowering';

export const groupNorm: OnnxLowering<'group_norm'> = (node, [x], emit) => {
  const { groups, epsilon } = node.attributes;
  const { weight, bias } = node.parameters;
  const channels = x.shape[2];
  const grouped = emit.node('Reshape', [x.name, emit.ints([0, groups, -1])]);
  const ones = emit.floats(Array<number>(groups).fill(1), [groups]);
  const zeros = emit.floats(Array<number>(groups).fill(0), [groups]);
  const normal = emit.node('InstanceNormalization', [grouped, ones, zeros], { epsilon: float(epsilon) });
  const image = emit.node('Reshape', [normal, emit.ints([0, ...storedShape(x.shape)])]);
  const scaled = emit.node('Mul', [image, perChannel(emit, weight, channels, 3)]);
  return emit.node('Add', [scaled, perChannel(emit, bias, channels, 3)]);
};
