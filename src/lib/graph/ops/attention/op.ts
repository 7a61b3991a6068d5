// Scaled dot-product attention with heads side by side in the features: softmax(q k^T / sqrt(d)) v.

import { defineOperation, describeShape, elements, shapeError } from '../operation';

export const attention = defineOperation<'attention'>({
  inputs: 3,
  shape([q, k, v], { heads }) {
    for (const shape of [q, k, v]) {
      if (shape.length !== 2 || shape[1] % heads !== 0) {
        throw shapeError(`queries, keys and values are [tokens, ${heads} * d], found ${describeShape(shape)}.`);
      }
    }
    if (q[1] !== k[1] || k[0] !== v[0]) {
      throw shapeError(`q ${describeShape(q)}, k ${describeShape(k)} and v ${describeShape(v)} do not fit together.`);
    }
    return [q[0], v[1]];
  },
  // q k^T and weights v, then softmax and the scale.
  flops([q, k, v], { heads }) {
    return 2 * q[0] * k[0] * (q[1] + v[1]) + 5 * heads * q[0] * k[0];
  },
  // The attention weights of every head, twice (before and after softmax), and the output.
  kept: ([q, k], { heads }, output) => 2 * heads * q[0] * k[0] + elements(output),
});
