// GlobalAveragePool, flattened unless its axes are kept.

import type { OnnxLowering } from '../onnx-lowering';
import { int } from '../onnx-lowering';

export const globalAvgPool: OnnxLowering<'global_avg_pool'> = (node, [x], emit) => {
  const mean = emit.node('GlobalAveragePool', [x.name]);
  return node.attributes.keepDims ? mean : emit.node('Flatten', [mean], { axis: int(1) });
};
