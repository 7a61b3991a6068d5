// The norms: mean and variance of a set of places, then scale and shift per channel.

import { need } from './reference';
import type { Reference, ReferenceContext } from './reference';
import { eachIndex, zeros } from './tensor';
import type { RefTensor } from './tensor';

/** Normalises over the sets of places that share a key. */
function normalize(
  x: RefTensor,
  epsilon: number,
  context: ReferenceContext,
  keyOf: (index: number[]) => string,
): RefTensor {
  const sets = new Map<string, number[]>();
  const channels: number[] = [];
  eachIndex(x.shape, (index, place) => {
    const key = keyOf(index);
    sets.set(key, [...(sets.get(key) ?? []), place]);
    channels[place] = index[index.length - 1];
  });
  const y = zeros(x.shape);
  const [weight, bias] = [need(context, 'weight'), need(context, 'bias')];
  for (const places of sets.values()) {
    const { mean, variance } = moments(places.map((place) => x.data[place]));
    for (const place of places) {
      const channel = channels[place];
      y.data[place] =
        ((x.data[place] - mean) / Math.sqrt(variance + epsilon)) * weight.data[channel] + bias.data[channel];
    }
  }
  return y;
}

function moments(values: readonly number[]): { mean: number; variance: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, variance };
}

export const batchNorm: Reference<'batch_norm'> = (node, [x], context) => {
  const { epsilon } = node.attributes;
  const channels = x.shape[x.shape.length - 1];
  if (!context.training) {
    const [mean, variance] = [need(context, 'running_mean'), need(context, 'running_var')];
    const [weight, bias] = [need(context, 'weight'), need(context, 'bias')];
    const y = zeros(x.shape);
    y.data.forEach((_, place) => {
      const c = place % channels;
      const normalized = (x.data[place] - mean.data[c]) / Math.sqrt(variance.data[c] + epsilon);
      y.data[place] = normalized * weight.data[c] + bias.data[c];
    });
    return y;
  }
  const seen = Array.from({ length: channels }, (_, c) => moments([...x.data].filter((_value, place) => place % channels === c))); // prettier-ignore
  context.reportStatistics(seen.map(({ mean }) => mean), seen.map(({ variance }) => variance)); // prettier-ignore
  return normalize(x, epsilon, context, (index) => String(index[index.length - 1]));
};

export const layerNorm: Reference<'layer_norm'> = (node, [x], context) =>
  normalize(x, node.attributes.epsilon, context, (index) => index.slice(0, -1).join());

export const groupNorm: Reference<'group_norm'> = (node, [x], context) => {
  const size = x.shape[3] / node.attributes.groups;
  return normalize(x, node.attributes.epsilon, context, ([n, , , c]) => `${n},${Math.floor(c / size)}`);
};
