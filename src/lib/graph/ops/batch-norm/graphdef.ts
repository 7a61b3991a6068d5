// Batch norm with the running statistics, as y = (x - mean) * (weight / sqrt(var + epsilon)) + bias. FusedBatchNormV3 would take
// images alone; written out it takes every rank.

import type { GraphDefLowering } from '../graphdef-lowering';

export const batchNorm: GraphDefLowering<'batch_norm'> = (node, [x], emit) => {
  const { weight, bias, running_mean, running_var } = node.parameters;
  const variance = emit.node('AddV2', [emit.parameter(running_var), emit.floats([node.attributes.epsilon], [])]);
  const scale = emit.node('Mul', [emit.node('Rsqrt', [variance]), emit.parameter(weight)]);
  const centred = emit.node('Sub', [x.name, emit.parameter(running_mean)]);
  return emit.node('AddV2', [emit.node('Mul', [centred, scale]), emit.parameter(bias)]);
};
