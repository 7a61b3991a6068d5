// See op.ts.

import type { Forward } from '../forward';
import { rank4, required, withBias } from '../shared/tfjs';

export const depthwiseConv2d: Forward<'depthwise_conv2d'> = (node, [x], context) => {
  const filter = rank4(required(context, node, 'weight'), node);
  return withBias(context.kernels.depthwiseConv2d(rank4(x, node), filter, node.attributes), context, node);
};
