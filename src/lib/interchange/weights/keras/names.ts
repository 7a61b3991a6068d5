// One form for the names of Keras's weights: 'layer/kernel', whatever the version that wrote the file called them.

import type { Shape } from '$lib/graph/types';

/** What layers call their weights. */
const ROLES: ReadonlySet<string> = new Set([
  'kernel',
  'bias',
  'depthwise_kernel',
  'pointwise_kernel',
  'gamma',
  'beta',
  'moving_mean',
  'moving_variance',
  'alpha',
  'embeddings',
  'recurrent_kernel',
  'mean',
  'variance',
  'count',
]);

/**
 * Names for the weights of one layer, unique among them. Keras 2 and 3 write 'layer/kernel:0' or longer paths that end so; the first
 * versions wrote names of their backend's ('uniform1', 'conv1_b'), which say nothing: there the shapes tell. A nested model's weights
 * keep the paths that they have.
 */
export function variableNames(layer: string, stored: readonly string[], shapes: readonly Shape[]): readonly string[] {
  const plain = stored.map((name) => name.replace(/:\d+$/, ''));
  if (plain.every((name) => ROLES.has(name))) return plain.map((name) => `${layer}/${name}`);
  if (plain.every((name) => name.includes('/') && ROLES.has(name.slice(name.lastIndexOf('/') + 1)))) return plain;
  const roles = rolesByShape(shapes);
  return roles === null ? plain.map((name) => (name.startsWith(`${layer}/`) ? name : `${layer}/${name}`)) : roles.map((role) => `${layer}/${role}`); // prettier-ignore
}

/** The roles of a layer's weights in Keras's order, where the shapes leave no doubt. */
function rolesByShape(shapes: readonly Shape[]): readonly string[] | null {
  const [first, second] = shapes;
  const channels = first?.at(-1);
  const matrix = first !== undefined && first.length >= 2;
  if (matrix && shapes.length === 1) return ['kernel'];
  if (matrix && shapes.length === 2 && second.length === 1 && second[0] === channels) return ['kernel', 'bias'];
  const vectors = shapes.every((shape) => shape.length === 1 && shape[0] === channels);
  if (vectors && shapes.length === 4) return ['gamma', 'beta', 'moving_mean', 'moving_variance'];
  return null;
}
