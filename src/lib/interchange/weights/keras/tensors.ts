// Finds the weights of Keras layers among the tensors of a file by name: 'Conv1/kernel', or with the models around it in front.

import type { FindTensor, KerasTensor, LayerPlace } from './writer';

/** A tensor and, where the file groups them by layer, the layer that it lies under. */
export interface NamedTensor extends KerasTensor {
  group?: string;
}

export function tensorFinder(tensors: readonly NamedTensor[]): FindTensor {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const byEnd = new Map<string, NamedTensor[]>();
  const byGroup = new Map<string, NamedTensor[]>();
  const put = (map: Map<string, NamedTensor[]>, key: string, tensor: NamedTensor): void => {
    const list = map.get(key);
    if (list === undefined) map.set(key, [tensor]);
    else list.push(tensor);
  };
  for (const tensor of tensors) {
    put(byEnd, tensor.name.split('/').slice(-2).join('/'), tensor);
    if (tensor.group !== undefined) put(byGroup, tensor.group, tensor);
  }
  return ({ name, parents, roles }: LayerPlace, role) => {
    const exact = byName.get(`${name}/${role}`);
    if (exact !== undefined) return exact;
    const parts = `${name}/${role}`.split('/').slice(-2).join('/');
    const alike = (byEnd.get(parts) ?? []).filter((tensor) => tensor.name.endsWith(`/${name}/${role}`));
    if (alike.length === 1) return alike[0];
    const within = alike.filter((tensor) => parents.every((parent) => tensor.name.split('/').includes(parent)));
    if (within.length === 1) return within[0];
    // Keras loads by order where names have changed: all weights of a layer, in the order of its roles.
    const group = byGroup.get(name) ?? [];
    const at = roles.indexOf(role);
    return group.length === roles.length && at >= 0 ? group[at] : null;
  };
}
