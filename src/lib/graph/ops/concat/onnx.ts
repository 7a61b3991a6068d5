// Concat. A learned tensor has batch length 1 and is first repeated for the batch.

import type { OnnxEmitter, OnnxLowering, OnnxValue } from '../onnx-lowering';
import { int, storedAxis, storedShape } from '../onnx-lowering';

function forBatch(emit: OnnxEmitter, value: OnnxValue): string {
  const shape = emit.node('Concat', [emit.batch(), emit.ints(storedShape(value.shape))], { axis: int(0) });
  return emit.node('Expand', [value.name, shape]);
}

export const concat: OnnxLowering<'concat'> = (node, inputs, emit) => {
  const batched = inputs.some((input) => input.batched);
  const names = inputs.map((input) => (batched && !input.batched ? forBatch(emit, input) : input.name));
  return emit.node('Concat', names, { axis: int(storedAxis(node.attributes.axis, node.shape.length)) });
};
