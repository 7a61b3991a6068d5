// Slice along one axis.

import type { OnnxLowering } from '../onnx-lowering';
import { storedAxis } from '../onnx-lowering';

export const slice: OnnxLowering<'slice'> = (node, [x], emit) => {
  const { axis, begin, size } = node.attributes;
  return emit.node('Slice', [
    x.name,
    emit.ints([begin]),
    emit.ints([begin + size]),
    emit.ints([storedAxis(axis, x.shape.length)]),
  ]);
};
