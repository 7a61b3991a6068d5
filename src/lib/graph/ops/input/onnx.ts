// The graph's input is named by the writer; there is nothing to compute.

import { TrainyardError } from '$lib/core/errors';
import type { OnnxLowering } from '../onnx-lowering';

export const input: OnnxLowering<'input'> = (node) => {
  throw new TrainyardError('graph-input', `"${node.id}" is an input behind the first node; a graph has one input.`);
};
