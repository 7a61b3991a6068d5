// Addition and multiplication with NumPy broadcasting over the per-sample shape.

import { defineOperation, describeShape, elements, shapeError } from '../operation';
import type { Shape } from '../../types';

/** NumPy's rule: align at the end, lengths equal or 1. */
export function broadcastShape(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const one = a[axis - rank + a.length] ?? 1;
    const other = b[axis - rank + b.length] ?? 1;
    if (one !== other && one !== 1 && other !== 1) {
      throw shapeError(`${describeShape(a)} and ${describeShape(b)} do not broadcast.`);
    }
    return one === 1 ? other : one;
  });
}

export const add = defineOperation<'add'>({
  inputs: 2,
  shape: ([a, b]) => broadcastShape(a, b),
  flops: (_inputs, _attributes, output) => elements(output),
});

export const multiply = defineOperation<'multiply'>({
  inputs: 2,
  shape: ([a, b]) => broadcastShape(a, b),
  flops: (_inputs, _attributes, output) => elements(output),
});
