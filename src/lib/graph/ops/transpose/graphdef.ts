// Transpose of the per-sample axes; the batch axis stays.

import type { GraphDefLowering } from '../graphdef-lowering';

export const transpose: GraphDefLowering<'transpose'> = (node, [x], emit) =>
  emit.node('Transpose', [x.name, emit.ints([0, ...node.attributes.order.map((axis) => axis + 1)])]);
