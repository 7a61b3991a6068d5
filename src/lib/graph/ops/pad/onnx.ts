// Pad with zeros; ONNX lists the begins of all axes, then the ends.

import type { OnnxLowering } from '../onnx-lowering';

export const pad: OnnxLowering<'pad'> = (node, [x], emit) => {
  const [top, bottom, left, right] = node.attributes.padding;
  return emit.node('Pad', [x.name, emit.ints([0, 0, top, left, 0, 0, bottom, right])]);
};
