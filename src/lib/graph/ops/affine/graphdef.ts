// Mul and AddV2 with constants per channel.

import type { GraphDefLowering } from '../graphdef-lowering';

export const affine: GraphDefLowering<'affine'> = (node, [x], emit) => {
  const { scale, shift } = node.attributes;
  const scaled = emit.node('Mul', [x.name, emit.floats(scale, [scale.length])]);
  return emit.node('AddV2', [scaled, emit.floats(shift, [shift.length])]);
};
