// ConcatV2. A learned tensor has batch length 1 and is first repeated for the batch.

import { resolveAxis } from '../operation';
import { concatenate } from '../graphdef-lowering';
import type { GraphDefLowering } from '../graphdef-lowering';

export const concat: GraphDefLowering<'concat'> = (node, inputs, emit) => {
  const batched = inputs.some((input) => input.batched);
  const names = inputs.map((input) =>
    batched && !input.batched ? emit.node('BroadcastTo', [input.name, emit.batchShape(input.shape)]) : input.name,
  );
  return concatenate(emit, names, resolveAxis(node.attributes.axis, node.shape.length) + 1);
};
