// Layer normalisation over the last axis, written out: TensorFlow has no single operation for it.

import type { GraphDefLowering } from '../graphdef-lowering';
import { bool } from '../graphdef-lowering';

export const layerNorm: GraphDefLowering<'layer_norm'> = (node, [x], emit) => {
  const { weight, bias } = node.parameters;
  const axis = emit.ints([x.shape.length]);
  const mean = emit.node('Mean', [x.name, axis], { keep_dims: bool(true) });
  const centred = emit.node('Sub', [x.name, mean]);
  const variance = emit.node('Mean', [emit.node('Mul', [centred, centred]), axis], { keep_dims: bool(true) });
  const inverse = emit.node('Rsqrt', [emit.node('AddV2', [variance, emit.floats([node.attributes.epsilon], [])])]);
  const scaled = emit.node('Mul', [emit.node('Mul', [centred, inverse]), emit.parameter(weight)]);
  return emit.node('AddV2', [scaled, emit.parameter(bias)]);
};
