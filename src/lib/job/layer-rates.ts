// optimizer.layer_rates of a job: factors of the learning rate by the beginning of parameter names. Text in, numbers out.

import { TrainyardError } from '../core/errors';

export interface LayerRate {
  /** Of parameter names, as 'layer1.'; of several that fit the longest counts. */
  beginning: string;
  /** 0 or more. */
  factor: number;
}

/** Reads 'layer1.=0.1, fc.=10'; '' is none. What cannot be read, if anything, is one sentence in `problem`. */
export function readLayerRates(text: string): { rates: LayerRate[]; problem: string | null } {
  const parts = text.split(',').map((part) => part.trim());
  const rates: LayerRate[] = [];
  for (const part of parts.filter((each) => each !== '')) {
    const at = part.lastIndexOf('=');
    const beginning = part.slice(0, Math.max(0, at)).trim();
    const number = part.slice(at + 1).trim();
    const factor = Number(number);
    const found = `found ${JSON.stringify(part)}.`;
    if (at < 0 || beginning === '') {
      return {
        rates,
        problem: `Each part is the beginning of parameter names, "=" and a factor, as in "layer1.=0.1"; ${found}`,
      };
    }
    if (number === '' || !Number.isFinite(factor) || factor < 0) {
      return { rates, problem: `The factor of ${JSON.stringify(beginning)} must be a number of at least 0; ${found}` };
    }
    if (rates.some((rate) => rate.beginning === beginning)) {
      return { rates, problem: `${JSON.stringify(beginning)} has two factors; give one.` };
    }
    rates.push({ beginning, factor });
  }
  return { rates, problem: null };
}

/** As {@link readLayerRates}; throws 'layer-rates' for what it cannot read. */
export function parseLayerRates(text: string): LayerRate[] {
  const { rates, problem } = readLayerRates(text);
  if (problem === null) return rates;
  throw new TrainyardError(
    'layer-rates',
    `optimizer.layer_rates: ${problem}`,
    'Write beginnings of parameter names with factors of 0 or more: "layer1.=0.1, fc.=10".',
  );
}
