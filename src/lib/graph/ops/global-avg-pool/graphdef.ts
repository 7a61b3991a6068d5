// Mean over height and width.

import type { GraphDefLowering } from '../graphdef-lowering';
import { bool } from '../graphdef-lowering';

export const globalAvgPool: GraphDefLowering<'global_avg_pool'> = (node, [x], emit) =>
  emit.node('Mean', [x.name, emit.ints([1, 2])], { keep_dims: bool(node.attributes.keepDims) });
