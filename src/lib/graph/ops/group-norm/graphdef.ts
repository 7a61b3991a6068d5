// Group normalisation, written out on [batch, places, groups, channels of a group].

import type { GraphDefLowering } from '../graphdef-lowering';
import { bool, reshapeTo } from '../graphdef-lowering';

export const groupNorm: GraphDefLowering<'group_norm'> = (node, [x], emit) => {
  const { groups, epsilon } = node.attributes;
  const { weight, bias } = node.parameters;
  const [height, width, channels] = x.shape;
  const axes = emit.ints([1, 3]);
  const grouped = reshapeTo(emit, x.name, [height * width, groups, channels / groups]);
  const mean = emit.node('Mean', [grouped, axes], { keep_dims: bool(true) });
  const centred = emit.node('Sub', [grouped, mean]);
  const variance = emit.node('Mean', [emit.node('Mul', [centred, centred]), axes], { keep_dims: bool(true) });
  const inverse = emit.node('Rsqrt', [emit.node('AddV2', [variance, emit.floats([epsilon], [])])]);
  const image = reshapeTo(emit, emit.node('Mul', [centred, inverse]), x.shape);
  return emit.node('AddV2', [emit.node('Mul', [image, emit.parameter(weight)]), emit.parameter(bias)]);
};
