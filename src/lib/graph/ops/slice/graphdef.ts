// Slice along one axis; -1 takes all of an axis.

import { resolveAxis } from '../operation';
import type { GraphDefLowering } from '../graphdef-lowering';

export const slice: GraphDefLowering<'slice'> = (node, [x], emit) => {
  const { begin, size } = node.attributes;
  const axis = resolveAxis(node.attributes.axis, x.shape.length) + 1;
  const begins = Array<number>(x.shape.length + 1).fill(0);
  const sizes = Array<number>(x.shape.length + 1).fill(-1);
  begins[axis] = begin;
  sizes[axis] = size;
  return emit.node('Slice', [x.name, emit.ints(begins), emit.ints(sizes)]);
};
