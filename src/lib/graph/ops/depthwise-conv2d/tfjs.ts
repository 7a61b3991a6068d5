// See op.ts.

import type { Forward } from '../forward';
import { biasOf, rank4, required } from '../shared/tfjs';

export const depthwiseConv2d: Forward<'depthwise_conv2d'> = (node, [x], context) => {
  const filter = rank4(required(context, node, 'weight'), node);
  const activation = context.fusedActivation(node);
  return context.kernels.depthwiseConv2d(rank4(x, node), filter, node.attributes, biasOf(context, node), activation);
};
