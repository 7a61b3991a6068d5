// The graph's input is a placeholder of the writer's; there is nothing to compute.

import { TrainyardError } from '$lib/core/errors';
import type { GraphDefLowering } from '../graphdef-lowering';

export const input: GraphDefLowering<'input'> = (node) => {
  throw new TrainyardError('graph-input', `"${node.id}" is an input behind the first node; a graph has one input.`);
};
