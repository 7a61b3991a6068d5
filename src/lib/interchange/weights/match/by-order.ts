// Finds a model's tensors by their order, for files with names of their own: layer after layer must have the same roles and shapes
// through the whole backbone, or nothing is taken.

import type { TensorEntry } from '../contract';
import { isCounter } from './matched';
import type { Matched } from './matched';
import type { Wanted } from './model-side';
import { sameShape } from './model-side';

const NOTE =
  "The names differ from the model's: tensors were taken in the file's order, in which all roles and shapes agree. What is no " +
  "tensor, such as a batch norm's epsilon, may still differ.";
const TORCH_ROLES = new Set(['weight', 'bias', 'running_mean', 'running_var', 'value']);

/** Roles by Keras's names, which say more than ours; several of ours share one. */
const KERAS_ROLES: Readonly<Record<string, string>> = {
  kernel: 'weight',
  depthwise_kernel: 'weight',
  pointwise_kernel: 'weight',
  embeddings: 'weight',
  gamma: 'weight',
  bias: 'bias',
  beta: 'bias',
  moving_mean: 'running_mean',
  moving_variance: 'running_var',
};

/** Null where any tensor of the backbone disagrees. Tensors of PyTorch or ONNX come one after another. */
export function matchTorchByOrder(wanted: readonly Wanted[], entries: readonly TensorEntry[]): Matched | null {
  const containers = new Set(['', ...entries.map(({ name }) => name.slice(0, name.indexOf('.') + 1))]);
  for (const container of containers) {
    const candidates = entries.filter(({ name }) => name.startsWith(container) && !isCounter(name));
    const tensors = inStep(wanted, candidates, (parameter, entry) => {
      const role = entry.name.split('.').at(-1) ?? '';
      // Other names say nothing of a role: a graph's 'onnx::Conv_193', or a layer scale.
      const known = TORCH_ROLES.has(role) && TORCH_ROLES.has(parameter.role);
      return (!known || role === parameter.role) && sameShape(parameter.shape, entry.shape);
    });
    if (tensors !== null) return { tensors, layout: 'torch', notes: [NOTE] };
  }
  return null;
}

/** The same for the layers of a Keras model; within a layer roles decide. */
export function matchKerasByOrder(wanted: readonly Wanted[], entries: readonly TensorEntry[]): Matched | null {
  const fits = ({ role, specification }: Wanted, { name, shape }: TensorEntry): boolean =>
    roleOfKeras(name) === role && sameShape(specification.shape, shape);
  const theirs = grouped(entries, ({ name }) => name.slice(0, Math.max(0, name.lastIndexOf('/'))));
  const tensors = new Map<string, TensorEntry>();
  for (const [index, layer] of grouped(wanted, (parameter) => parameter.layer).entries()) {
    const candidates = theirs.at(index) ?? [];
    const pairs = layer.map((parameter) => [parameter, candidates.find((entry) => fits(parameter, entry))] as const);
    const whole = candidates.length === layer.length && pairs.every(([, entry]) => entry !== undefined);
    if (!whole && layer[0].backbone) return null;
    for (const [{ name }, entry] of pairs) if (entry !== undefined) tensors.set(name, entry);
  }
  return { tensors, layout: 'keras', notes: [NOTE] };
}

/** Our role of a Keras variable: 'weight' of 'conv1/kernel:0'. */
export function roleOfKeras(name: string): string | null {
  const variable = (name.split('/').at(-1) ?? '').replace(/:0$/, '');
  return Object.hasOwn(KERAS_ROLES, variable) ? KERAS_ROLES[variable] : null;
}

/** Runs of items with the same key. */
function grouped<T>(items: readonly T[], keyOf: (item: T) => string): T[][] {
  const groups: T[][] = [];
  let current: string | null = null;
  for (const item of items) {
    const key = keyOf(item);
    if (key !== current) groups.push([]);
    current = key;
    groups.at(-1)?.push(item);
  }
  return groups;
}

/** Pairs one by one; the classifier may differ, the backbone may not. */
function inStep(
  wanted: readonly Wanted[],
  entries: readonly TensorEntry[],
  fits: (parameter: Wanted, entry: TensorEntry) => boolean,
): Map<string, TensorEntry> | null {
  const tensors = new Map<string, TensorEntry>();
  for (const [index, parameter] of wanted.entries()) {
    const entry = entries.at(index);
    if (entry !== undefined && (fits(parameter, entry) || !parameter.backbone)) tensors.set(parameter.name, entry);
    else if (parameter.backbone) return null;
  }
  return tensors;
}
