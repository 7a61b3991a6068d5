// Between a model's parameters and a PyTorch state dict in a safetensors file: names, layouts, and the counters of batch norm,
// so that `model.load_state_dict(load_file(...), strict=True)` takes what is written here.

import { TrainyardError } from '$lib/core/errors';
import type { Graph, ParameterValues } from '$lib/graph/types';
import { fromPyTorch, pyTorchShape, toPyTorch } from '$lib/graph/layout';
import type { TrainedModel } from '../contract';
import { metadataStrings } from '../preprocessing';
import { VERSION } from '../version';
import { floatValues, readSafetensors } from './read';
import { encodeSafetensors } from './write';
import type { TensorToStore } from './write';

const COUNTER = 'num_batches_tracked';

/** `model.safetensors`: PyTorch's names and layouts. The parameters may change or go once this returns. */
export function writeSafetensors(model: TrainedModel): Blob {
  const tensors: TensorToStore[] = [];
  for (const specification of model.graph.parameters) {
    const { name } = specification;
    const values = model.parameters.get(name);
    if (values === undefined) {
      throw new TrainyardError(
        'parameter-missing',
        `The model has no values for "${name}".`,
        'Train or load it again.',
      );
    }
    tensors.push({ name, dtype: 'F32', ...toPyTorch(specification, values) });
  }
  for (const prefix of batchNormPrefixes(model.graph)) {
    // PyTorch counts batches only to average without a momentum; ours has one, so that any count will do.
    tensors.push({ name: `${prefix}${COUNTER}`, dtype: 'I64', shape: [], values: [0] });
  }
  return encodeSafetensors(tensors, { format: 'pt', ...metadataStrings(model, false, VERSION) });
}

/** 'bn1.' for each batch norm. */
function batchNormPrefixes(graph: Graph): string[] {
  return graph.nodes.flatMap((node) =>
    node.op === 'batch_norm' ? [node.parameters.running_mean.replace(/running_mean$/, '')] : [],
  );
}

/** Names in a sentence, a few of them. */
function some(names: readonly string[]): string {
  const shown = names.slice(0, 3).map((name) => `"${name}"`);
  return names.length > shown.length ? `${shown.join(', ')} and ${names.length - shown.length} more` : shown.join(', ');
}

/**
 * Reads the parameters of `graph` from a state dict: every name must be there with its shape, none may be left over.
 * Throws `safetensors-damaged` or `weights-mismatch`.
 */
export async function readParameters(graph: Graph, file: Blob): Promise<ParameterValues> {
  const { tensors } = await readSafetensors(file);
  const hint = 'Take the weights of the same model with the same number of classes.';
  const missing = graph.parameters.filter(({ name }) => !tensors.has(name));
  if (missing.length > 0) {
    const names = some(missing.map(({ name }) => name));
    throw new TrainyardError('weights-mismatch', `The weights lack ${names}, which the model has.`, hint);
  }
  const known = new Set(graph.parameters.map(({ name }) => name));
  const counters = new Set(batchNormPrefixes(graph).map((prefix) => `${prefix}${COUNTER}`));
  const unexpected = [...tensors.keys()].filter((name) => !known.has(name) && !counters.has(name));
  if (unexpected.length > 0) {
    throw new TrainyardError('weights-mismatch', `The weights hold ${some(unexpected)}, which the model lacks.`, hint);
  }
  return new Map(
    graph.parameters.map((specification) => {
      const { name } = specification;
      const tensor = tensors.get(name);
      if (tensor === undefined) throw new Error(`"${name}" was checked to be there.`);
      const expected = pyTorchShape(specification);
      if (tensor.shape.length !== expected.length || tensor.shape.some((length, axis) => length !== expected[axis])) {
        const message = `Weight "${name}" has the shape [${tensor.shape.join(', ')}], the model's is [${expected.join(', ')}].`;
        throw new TrainyardError('weights-mismatch', message, hint);
      }
      return [name, fromPyTorch(specification, floatValues(tensor))];
    }),
  );
}
