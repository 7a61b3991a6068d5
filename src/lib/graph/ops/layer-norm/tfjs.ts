// See op.ts.

import type { Forward } from '../forward';
import { required } from '../shared/tfjs';

export const layerNorm: Forward<'layer_norm'> = (node, [x], context) => {
  const [gamma, beta] = ['weight', 'bias'].map((role) => required(context, node, role));
  return context.kernels.layerNorm(x, gamma, beta, node.attributes.epsilon);
};
