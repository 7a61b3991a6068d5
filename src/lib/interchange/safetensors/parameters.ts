// A model's parameters as a safetensors file and back, for `model.load_state_dict(load_file(...), strict=True)`.

import type { Graph, ParameterValues } from '$lib/graph/types';
import type { TrainedModel } from '../contract';
import { metadataStrings } from '../preprocessing';
import { parametersFrom, stateDictOf } from '../state-dict';
import { VERSION } from '../version';
import { floatValues, readSafetensors } from './read';
import { encodeSafetensors } from './write';

/** `model.safetensors`: PyTorch's names and layouts. The parameters may change or go once this returns. */
export function writeSafetensors(model: TrainedModel): Blob {
  return encodeSafetensors(stateDictOf(model), { format: 'pt', ...metadataStrings(model, false, VERSION) });
}

/**
 * Reads the parameters of `graph` from a state dict: every name must be there with its shape, none may be left over.
 * Throws `safetensors-damaged` or `weights-mismatch`.
 */
export async function readParameters(graph: Graph, file: Blob): Promise<ParameterValues> {
  const { tensors } = await readSafetensors(file);
  return parametersFrom(
    graph,
    new Map([...tensors].map(([name, tensor]) => [name, { shape: tensor.shape, read: () => floatValues(tensor) }])),
  );
}
