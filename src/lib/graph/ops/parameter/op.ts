// A learned tensor that is the same for every sample: class token, position embedding, layer scale.

import { defineOperation } from '../operation';

export const parameter = defineOperation<'parameter'>({
  inputs: 0,
  shape: (_, { shape }) => shape,
  parameters: (_, { shape }) => [{ role: 'value', shape, layout: 'plain', trainable: true, decay: false }],
  flops: () => 0,
  kept: () => 0,
});
