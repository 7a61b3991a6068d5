// See op.ts.

import type { Forward } from '../forward';
import { biasOf, rank4, required } from '../shared/tfjs';

export const conv2d: Forward<'conv2d'> = (node, [x], context) => {
  const filter = rank4(required(context, node, 'weight'), node);
  const { attributes } = node;
  const activation = context.fusedActivation(node);
  return context.kernels.conv2d(
    rank4(x, node),
    filter,
    attributes,
    attributes.groups,
    biasOf(context, node),
    activation,
  );
};
