// PyTorch's ReduceLROnPlateau with a relative threshold: what it remembers between validations, as data. Pure.

import type { Job } from '$lib/job/job';
import type { CheckpointRecord } from '$lib/storage/records';

export type PlateauState = NonNullable<NonNullable<CheckpointRecord['carried']>['plateau']>;

export const PLATEAU_START: PlateauState = { factor: 1, best: null, waited: 0, cooling: 0 };

type PlateauSettings = Pick<Job['scheduler'], 'patience' | 'factor' | 'threshold' | 'cooldown'>;

/** The state after one more value; null or NaN is a value that is no improvement. `factor` multiplies the rate. */
export function plateauAfter(
  state: PlateauState,
  value: number | null,
  better: 'higher' | 'lower',
  settings: PlateauSettings,
): PlateauState {
  const improved = value !== null && improves(value, state.best, better, settings.threshold);
  const best = improved ? value : state.best;
  const cooling = Math.max(0, state.cooling - 1);
  const waited = improved || state.cooling > 0 ? 0 : state.waited + 1;
  if (waited <= settings.patience) return { factor: state.factor, best, waited, cooling };
  return { factor: state.factor * settings.factor, best, waited: 0, cooling: settings.cooldown };
}

function improves(value: number, best: number | null, better: 'higher' | 'lower', threshold: number): boolean {
  if (best === null) return !Number.isNaN(value);
  return better === 'lower' ? value < best * (1 - threshold) : value > best * (1 + threshold);
}
