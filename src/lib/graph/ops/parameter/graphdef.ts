// A constant with a batch axis of 1 in front, which broadcasts.

import type { GraphDefLowering } from '../graphdef-lowering';

export const parameter: GraphDefLowering<'parameter'> = (node, _inputs, emit) =>
  emit.node('Reshape', [emit.parameter(node.parameters.value), emit.ints([1, ...node.shape])]);
