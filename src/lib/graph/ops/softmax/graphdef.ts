// Softmax over the last axis.

import type { GraphDefLowering } from '../graphdef-lowering';

export const softmax: GraphDefLowering<'softmax'> = (_node, [x], emit) => emit.node('Softmax', [x.name]);
