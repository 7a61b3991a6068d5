// Whether a state holds nothing but numbers.

import type { TrainState } from '$lib/engines/contract';

/** Parameters, averages and optimiser buffers: one value that is NaN or infinite spoils all steps after it. */
export function isFinite({ parameters, optimizer, ema }: TrainState): boolean {
  return [parameters, optimizer, ema ?? new Map<string, Float32Array>()].every((values) =>
    [...values.values()].every(allFinite),
  );
}

/** About 1 ns a value: NaN and the infinities are the only ones whose product with 0 is not 0. */
function allFinite(values: Float32Array): boolean {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] * 0;
  return sum === 0;
}
