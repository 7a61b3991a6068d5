// Keras's layers that prepare images inside the network: fixed scales and shifts.

import type { Value } from '$lib/graph/builder';
import type { LayerCall } from './layers';

export function rescaling({ writer, layer, inputs: [x], id }: LayerCall): Value {
  const channels = x.shape[x.shape.length - 1];
  return writer.affine(id, x, layer.channels('scale', channels), layer.channels('offset', channels, 0));
}

/** Keras's smallest standard deviation, `backend.epsilon()`. */
const EPSILON = 1e-7;

/** (x - mean) / max(sqrt(variance), epsilon); mean and variance are settings, or weights that were measured. */
export async function normalization({ writer, layer, parents, inputs: [x], id }: LayerCall): Promise<Value> {
  const channels = x.shape[x.shape.length - 1];
  const axis = layer.value('axis') ?? -1;
  const last = Array.isArray(axis) && axis.length === 1 ? (axis as readonly unknown[])[0] : axis;
  if (last !== -1 && last !== x.shape.length) {
    throw layer.unsupported('does not normalise the last axis', 'Normalization (axis)');
  }
  const values = async (role: 'mean' | 'variance'): Promise<readonly number[]> => {
    if (layer.has(role)) return layer.channels(role, channels);
    return writer.values(layer, { name: layer.name, parents, roles: ['mean', 'variance', 'count'] }, role, channels);
  };
  const [mean, variance] = [await values('mean'), await values('variance')];
  const deviation = variance.map((value) => Math.max(Math.sqrt(value), EPSILON));
  if (layer.flag('invert', false)) return writer.affine(id, x, deviation, mean);
  const scale = deviation.map((value) => 1 / value);
  return writer.affine(id, x, scale, mean.map((value, c) => -value * scale[c])); // prettier-ignore
}
