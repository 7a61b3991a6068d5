// optimizer.layer_rates of a job: factors of the learning rate by the beginning of parameter names. Text in, numbers out.

import { TrainyardError } from '$lib/core/errors';

export interface LayerRate {
  beginning: string;
  factor: number;
}

/** 'layer1.=0.1, fc.=10'; '' is none. Throws 'layer-rates' for what it cannot read. */
export function parseLayerRates(text: string): LayerRate[] {
  const parts = text.split(',').map((part) => part.trim());
  return parts
    .filter((part) => part !== '')
    .map((part) => {
      const at = part.lastIndexOf('=');
      const beginning = part.slice(0, Math.max(0, at)).trim();
      const number = part.slice(at + 1).trim();
      const factor = Number(number);
      if (at < 1 || beginning === '' || number === '' || !Number.isFinite(factor) || factor < 0) throw unreadable(part);
      return { beginning, factor };
    });
}

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
    .filter(({ beginning }) => !names.some((name) => name.startsWith(beginning)))
    .map((rate) => rate.beginning);
}

function unreadable(part: string): TrainyardError {
  return new TrainyardError(
    'layer-rates',
    `optimizer.layer_rates has "${part}", which is no name with a factor.`,
    'Write beginnings of parameter names with factors of 0 or more: "layer1.=0.1, fc.=10".',
  );
}
