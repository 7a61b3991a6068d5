// Keras's activations, as layers of their own and as settings of others.

import type { Value } from '$lib/graph/builder';
import type { ActivationKind } from '$lib/graph/types';
import { isObject } from '$lib/core/path';
import { property } from '../json-file';
import { quoted } from '../unreadable';
import type { LayerSettings } from './settings';
import type { NetworkWriter } from './writer';

const KINDS: Readonly<Record<string, ActivationKind | undefined>> = {
  relu: 'relu',
  relu6: 'relu6',
  sigmoid: 'sigmoid',
  tanh: 'tanh',
  swish: 'silu',
  silu: 'silu',
  gelu: 'gelu',
  gelu_new: 'gelu_tanh',
  hard_silu: 'hard_swish',
  hard_swish: 'hard_swish',
};

/** Applies the activation called `kind`; `id` is a free node id. */
export function activate(writer: NetworkWriter, layer: LayerSettings, x: Value, kind: string, id: string): Value {
  const { builder } = writer;
  if (kind === 'linear') return x;
  if (kind === 'softmax') return builder.softmax(x, id);
  if (kind === 'hard_sigmoid') {
    // Keras 3 has PyTorch's, clip(x / 6 + 0.5); before it was clip(x / 5 + 0.5), which is the same of 1.2 x.
    const scaled = writer.kerasVersion >= 3 ? x : writer.affine(`${id}.scale`, x, 1.2, 0);
    return builder.activation(scaled, 'hard_sigmoid', { name: id });
  }
  // The functional form of Keras 3; its slope is fixed.
  if (kind === 'leaky_relu') return builder.activation(x, 'leaky_relu', { slope: 0.2, name: id });
  const known = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  if (known === undefined) {
    throw layer.unsupported(`has the activation ${quoted(kind)}`, `activation ${quoted(kind)}`);
  }
  return builder.activation(x, known, { name: id });
}

/** The `activation` setting of a layer: a name, nothing, or an object that names it (Keras 3). */
export function activationOf(layer: LayerSettings): string {
  const value = layer.value('activation');
  if (value === undefined || value === null) return 'linear';
  if (typeof value === 'string') return value;
  const named = isObject(value) ? (property(value, 'config') ?? property(value, 'class_name')) : undefined;
  if (typeof named === 'string') return named;
  throw layer.unsupported('has an activation of its own', 'custom activation');
}

/** max(0, x) with a ceiling or a slope below zero. */
export function rectify(
  writer: NetworkWriter,
  layer: LayerSettings,
  x: Value,
  { ceiling, slope }: { ceiling: number | null; slope: number },
  id: string,
): Value {
  const { builder } = writer;
  if (ceiling === null) {
    return slope === 0
      ? builder.activation(x, 'relu', { name: id })
      : builder.activation(x, 'leaky_relu', { slope, name: id });
  }
  if (slope !== 0 || ceiling <= 0) {
    throw layer.unsupported(`has a ceiling of ${ceiling} and a slope of ${slope}`, 'ReLU (ceiling and slope)');
  }
  if (ceiling === 6) return builder.activation(x, 'relu6', { name: id });
  // min(max(x, 0), m) = m / 6 * relu6(6 / m * x)
  const scaled = writer.affine(`${id}.scale`, x, 6 / ceiling, 0);
  return writer.affine(id, builder.activation(scaled, 'relu6', { name: `${id}.clip` }), ceiling / 6, 0);
}
