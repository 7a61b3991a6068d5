// Attention, a head and a query at a time.

import type { Reference } from './reference';
import { at, zeros } from './tensor';

export const attention: Reference<'attention'> = (node, [q, k, v]) => {
  const { heads } = node.attributes;
  const [, queries, features] = q.shape;
  const count = Math.max(q.shape[0], k.shape[0], v.shape[0]);
  // A learned tensor is the same for every sample.
  const sample = (x: { shape: readonly number[] }, n: number): number => Math.min(n, x.shape[0] - 1);
  const keys = k.shape[1];
  const size = features / heads;
  const valueSize = v.shape[2] / heads;
  const y = zeros([count, queries, v.shape[2]]);
  for (let n = 0; n < count; n++) {
    for (let head = 0; head < heads; head++) {
      for (let query = 0; query < queries; query++) {
        const weights = Array.from({ length: keys }, (_, key) => {
          let dot = 0;
          for (let d = 0; d < size; d++) {
            dot +=
              q.data[at(q.shape, sample(q, n), query, head * size + d)] *
              k.data[at(k.shape, sample(k, n), key, head * size + d)];
          }
          return Math.exp(dot / Math.sqrt(size));
        });
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        for (let d = 0; d < valueSize; d++) {
          const place = at(y.shape, n, query, head * valueSize + d);
          weights.forEach((weight, key) => {
            y.data[place] += (weight / total) * v.data[at(v.shape, sample(v, n), key, head * valueSize + d)];
          });
        }
      }
    }
  }
  return y;
};
