// The weights of a state that count: what is validated, evaluated, exported and predicted with.

import type { TrainState } from '$lib/engines/contract';

/** The averages where there are some, with the running statistics and all else as it is at present. Shares the arrays. */
export function weightsOf({ parameters, ema }: TrainState): Map<string, Float32Array> {
  if (ema === undefined) return parameters;
  return new Map([...parameters].map(([name, values]) => [name, ema.get(name) ?? values]));
}
