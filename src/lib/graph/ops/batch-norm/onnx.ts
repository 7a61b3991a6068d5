// BatchNormalization with the running statistics. ONNX's channel axis is 1: sequences are turned for it.

import type { OnnxLowering } from '../onnx-lowering';
import { float } from '../onnx-lowering';

export const batchNorm: OnnxLowering<'batch_norm'> = (node, [x], emit) => {
  const { weight, bias, running_mean, running_var } = node.parameters;
  const turned = x.shape.length === 2;
  const input = turned ? emit.transpose(x.name, [0, 2, 1]) : x.name;
  const parameters = [weight, bias, running_mean, running_var].map((name) => emit.parameter(name));
  // The default momentum concerns training alone; epsilon's default (1e-5) is not ours to assume.
  const y = emit.node('BatchNormalization', [input, ...parameters], { epsilon: float(node.attributes.epsilon) });
  return turned ? emit.transpose(y, [0, 2, 1]) : y;
};
