// Which parameters of a network the factors of optimizer.layer_rates are for.

import type { LayerRate } from '$lib/job/layer-rates';

/** The factor of each parameter that has one; of several beginnings that fit the longest counts. */
export function layerRatesOf(rates: readonly LayerRate[], names: readonly string[]): Map<string, number> {
  const longestFirst = rates.toSorted((a, b) => b.beginning.length - a.beginning.length);
  return new Map(
    names.flatMap((name) => {
      const rate = longestFirst.find(({ beginning }) => name.startsWith(beginning));
      return rate === undefined || rate.factor === 1 ? [] : [[name, rate.factor] as const];
    }),
  );
}

/** Beginnings that no parameter has. */
export function unmatchedRates(rates: readonly LayerRate[], names: readonly string[]): string[] {
  return rates
    .map(({ beginning }) => beginning)
    .filter((beginning) => !names.some((name) => name.startsWith(beginning)));
}
