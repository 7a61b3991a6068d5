// Reshape in our own order, which is TensorFlow's.

import type { GraphDefLowering } from '../graphdef-lowering';

export const reshape: GraphDefLowering<'reshape'> = (node, [x], emit) =>
  emit.node('Reshape', [x.name, emit.ints([x.batched ? -1 : 1, ...node.shape])]);
