// Softmax over the last axis, wherever that lies.

import type { OnnxLowering } from '../onnx-lowering';
import { int, storedAxis } from '../onnx-lowering';

export const softmax: OnnxLowering<'softmax'> = (_node, [x], emit) =>
  emit.node('Softmax', [x.name], { axis: int(storedAxis(-1, x.shape.length)) });
