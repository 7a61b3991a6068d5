// The element-wise non-linearities.

import { defineOperation, elements, shapeError } from '../operation';
import type { ActivationKind } from '../../types';

const FLOPS: Record<ActivationKind, number> = {
  relu: 0,
  relu6: 0,
  leaky_relu: 1,
  sigmoid: 3,
  tanh: 1,
  silu: 4,
  gelu: 5,
  gelu_tanh: 8,
  hard_sigmoid: 2,
  hard_swish: 3,
};

export const activation = defineOperation<'activation'>({
  inputs: 1,
  shape([x], { kind, slope }) {
    if (kind === 'leaky_relu' && slope === undefined) throw shapeError('leaky_relu needs a slope.');
    return x;
  },
  flops: (_inputs, { kind }, output) => FLOPS[kind] * elements(output),
});
