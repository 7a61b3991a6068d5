// Says how far two runs of a model lie apart. Pure numbers; nothing here runs a model.

/** Of the largest |logit|. A right export differs by 1e-7 to 1e-5, the mistakes that exports make by 1e-3 and more. */
export const TOLERANCE = 1e-4;

export interface Difference {
  /** Largest |expected - found|; Infinity where one is not a number or the lengths differ. */
  max: number;
  /** `max` relative to the largest |expected|. */
  relative: number;
}

export function difference(expected: Float32Array, found: Float32Array): Difference {
  if (found.length !== expected.length) return { max: Infinity, relative: Infinity };
  let largest = 0;
  let max = 0;
  for (let at = 0; at < expected.length; at++) {
    const apart = Math.abs(expected[at] - found[at]);
    if (!Number.isFinite(apart)) return { max: Infinity, relative: Infinity };
    largest = Math.max(largest, Math.abs(expected[at]));
    max = Math.max(max, apart);
  }
  return { max, relative: max === 0 ? 0 : max / largest };
}

/** The activation that exports compute from the logits, in double precision. Rows of `width` logits. */
export function activate(logits: Float32Array, width: number, kind: 'softmax' | 'sigmoid'): Float32Array {
  if (kind === 'sigmoid') return logits.map((value) => 1 / (1 + Math.exp(-value)));
  const result = new Float32Array(logits.length);
  for (let start = 0; start < logits.length; start += width) {
    const row = logits.subarray(start, start + width);
    const top = row.reduce((largest, value) => Math.max(largest, value), -Infinity);
    const total = row.reduce((sum, value) => sum + Math.exp(value - top), 0);
    row.forEach((value, column) => (result[start + column] = Math.exp(value - top) / total));
  }
  return result;
}
