// Between a model's parameters and a PyTorch state dict: names, layouts, and the counters of batch norm, so that
// `model.load_state_dict(..., strict=True)` takes what is written from here. Knows no file format.

import { TrainyardError } from '$lib/core/errors';
import { fromPyTorch, pyTorchShape, toPyTorch } from '$lib/graph/layout';
import type { Graph, ParameterValues } from '$lib/graph/types';
import type { TrainedModel } from './contract';

export type StateTensor = { name: string; shape: readonly number[] } & (
  { dtype: 'F32'; values: Float32Array } | { dtype: 'I64'; values: readonly number[] }
);

/** A tensor that was read. */
export interface StoredState {
  shape: readonly number[];
  /** May share the file's memory. */
  read(): Float32Array | Promise<Float32Array>;
}

const COUNTER = 'num_batches_tracked';
const LAST_STATISTIC = 'running_var';

/** In the order of PyTorch's own. Values may share the model's memory. Throws `parameter-missing`. */
export function stateDictOf({ graph, parameters }: Pick<TrainedModel, 'graph' | 'parameters'>): StateTensor[] {
  const counters = new Set(countersOf(graph));
  return graph.parameters.flatMap((specification): StateTensor[] => {
    const { name } = specification;
    const values = parameters.get(name);
    if (values === undefined) {
      throw new TrainyardError(
        'parameter-missing',
        `The model has no values for "${name}".`,
        'Train or load it again.',
      );
    }
    const tensor: StateTensor = { name, dtype: 'F32', ...toPyTorch(specification, values) };
    const counter = name.replace(/[^.]+$/, COUNTER);
    if (!name.endsWith(LAST_STATISTIC) || !counters.has(counter)) return [tensor];
    // PyTorch counts batches only to average without a momentum; ours has one, so that any count will do.
    return [tensor, { name: counter, dtype: 'I64', shape: [], values: [0] }];
  });
}

/** 'bn1.num_batches_tracked' for each batch norm. */
function countersOf(graph: Graph): string[] {
  return graph.nodes.flatMap((node) =>
    node.op === 'batch_norm' ? [node.parameters.running_mean.replace(/running_mean$/, COUNTER)] : [],
  );
}

/** Names in a sentence, a few of them. */
function some(names: readonly string[]): string {
  const shown = names.slice(0, 3).map((name) => `"${name}"`);
  return names.length > shown.length ? `${shown.join(', ')} and ${names.length - shown.length} more` : shown.join(', ');
}

/**
 * The parameters of `graph` from a state dict: every name must be there with its shape, none may be left over. Throws
 * `weights-mismatch`. What fits only in part is read by weights/load.ts.
 */
export async function parametersFrom(
  graph: Graph,
  tensors: ReadonlyMap<string, StoredState>,
): Promise<ParameterValues> {
  const hint = 'Take the weights of the same model with the same number of classes.';
  const missing = graph.parameters.filter(({ name }) => !tensors.has(name));
  if (missing.length > 0) {
    const names = some(missing.map(({ name }) => name));
    throw new TrainyardError('weights-mismatch', `The weights lack ${names}, which the model has.`, hint);
  }
  const known = new Set([...graph.parameters.map(({ name }) => name), ...countersOf(graph)]);
  const unexpected = [...tensors.keys()].filter((name) => !known.has(name));
  if (unexpected.length > 0) {
    throw new TrainyardError('weights-mismatch', `The weights hold ${some(unexpected)}, which the model lacks.`, hint);
  }
  const parameters = new Map<string, Float32Array>();
  for (const specification of graph.parameters) {
    const { name } = specification;
    const tensor = tensors.get(name);
    if (tensor === undefined) throw new Error(`"${name}" was checked to be there.`);
    const expected = pyTorchShape(specification);
    if (tensor.shape.length !== expected.length || tensor.shape.some((length, axis) => length !== expected[axis])) {
      const message = `Weight "${name}" has the shape [${tensor.shape.join(', ')}], the model's is [${expected.join(', ')}].`;
      throw new TrainyardError('weights-mismatch', message, hint);
    }
    parameters.set(name, fromPyTorch(specification, await tensor.read()));
  }
  return parameters;
}
