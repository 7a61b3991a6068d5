// Reads `model.pth` back, strictly: what an export is checked by.

import type { Graph, ParameterValues } from '$lib/graph/types';
import { parametersFrom } from '../state-dict';
import { openPyTorch } from '../weights/pytorch/open';

/** Every parameter must be there with its shape, none may be left over. Throws `weights-unreadable` or `weights-mismatch`. */
export async function readPyTorchParameters(graph: Graph, file: Blob, name: string): Promise<ParameterValues> {
  const { tensors } = await openPyTorch(file, name);
  return parametersFrom(graph, new Map(tensors.map((tensor) => [tensor.name, tensor])));
}
