// Training-mode batch norm with its activation on the heap: two passes forward, two backward.
// Formulas: Ioffe and Szegedy 2015, section 3, the backward pass gathered into two sums per channel.

import { floatsAt, withScratch } from '../heap';
import type { Native } from '../native';
import type { FusedActivation } from '../types';

/** Floats of a chunk of rows: 16 kB, so that the second channel group finds the rows in the first-level cache. */
const CHUNK_FLOATS = 4096;

/** Chunks, and floats, that are worth waking a thread for. */
const GRAIN_CHUNKS = 8;
const GRAIN_FLOATS = GRAIN_CHUNKS * CHUNK_FLOATS;

/** The open interval of values that the activation passes on. */
const BOUNDS: Record<FusedActivation, readonly [low: number, high: number]> = {
  none: [-Infinity, Infinity],
  relu: [0, Infinity],
  relu6: [0, 6],
};

export interface BatchNormSize {
  rows: number;
  channels: number;
  epsilon: number;
  activation: FusedActivation;
}

/** Runs a summing pass and adds its partial sums in double precision: two rows of per-channel sums. */
function sums(
  native: Native,
  { rows, channels }: BatchNormSize,
  name: 'batchNormMoments' | 'batchNormGradientSums',
  /** Bytes of a partial sum: doubles or floats. */
  width: 8 | 4,
  parametersOf: (first: number, rows: number, chunk: number, partial: number) => number[],
): [Float64Array, Float64Array] {
  const chunk = Math.max(8, Math.floor(CHUNK_FLOATS / channels));
  const chunks = Math.ceil(rows / chunk);
  return withScratch(native, chunks * channels * 2 * width, (partial) => {
    native.split(name, chunks, GRAIN_CHUNKS, (first, count) => {
      const from = first * chunk;
      return parametersOf(from, Math.min(count * chunk, rows - from), chunk, partial + first * channels * 2 * width);
    });
    const count = chunks * channels * 2;
    const partials =
      width === 8 ? new Float64Array(native.memory.buffer, partial, count) : floatsAt(native.memory, partial, count);
    const first = new Float64Array(channels);
    const second = new Float64Array(channels);
    for (let at = 0; at < partials.length; at += 2 * channels) {
      for (let c = 0; c < channels; c++) {
        first[c] += partials[at + c];
        second[c] += partials[at + channels + c];
      }
    }
    return [first, second];
  });
}

/** Addresses: x, y [rows, channels]; gamma, beta, mean, variance [channels]. Writes y, mean and variance (biased). */
export function batchNormForward(
  native: Native,
  size: BatchNormSize,
  at: { x: number; gamma: number; beta: number; y: number; mean: number; variance: number },
): void {
  const { rows, channels, epsilon } = size;
  const { memory } = native;
  const [sum, squares] = sums(native, size, 'batchNormMoments', 8, (first, count, chunk, partial) => [
    at.x + first * channels * 4,
    partial,
    count,
    chunk,
    channels,
  ]);
  withScratch(native, channels * 4, (scale) => {
    const gamma = floatsAt(memory, at.gamma, channels);
    const mean = floatsAt(memory, at.mean, channels);
    const variance = floatsAt(memory, at.variance, channels);
    const scales = floatsAt(memory, scale, channels);
    for (let c = 0; c < channels; c++) {
      const average = sum[c] / rows;
      mean[c] = average;
      variance[c] = Math.max(0, squares[c] / rows - average * average);
      scales[c] = gamma[c] / Math.sqrt(variance[c] + epsilon);
    }
    native.split('batchNormApply', rows, Math.ceil(GRAIN_FLOATS / channels), (first, count) => {
      const offset = first * channels * 4;
      return [at.x + offset, at.y + offset, at.mean, scale, at.beta, count, channels, ...BOUNDS[size.activation]];
    });
  });
}

/** Addresses as in batchNormForward; writes dx, dGamma and dBeta. */
export function batchNormBackward(
  native: Native,
  size: BatchNormSize,
  at: Record<'x' | 'dy' | 'gamma' | 'beta' | 'mean' | 'variance' | 'dx' | 'dGamma' | 'dBeta', number>,
): void {
  const { rows, channels, epsilon } = size;
  const { memory } = native;
  const bounds = BOUNDS[size.activation];
  withScratch(native, 3 * channels * 4, (scale) => {
    const offset = scale + channels * 4;
    const slope = offset + channels * 4;
    const inverse = Float64Array.from(floatsAt(memory, at.variance, channels), (v) => 1 / Math.sqrt(v + epsilon));
    floatsAt(memory, scale, channels).set(floatsAt(memory, at.gamma, channels).map((g, c) => g * inverse[c]));

    const [sum, products] = sums(native, size, 'batchNormGradientSums', 4, (first, count, chunk, partial) => {
      const at0 = first * channels * 4;
      return [at.x + at0, at.dy + at0, at.mean, scale, at.beta, partial, count, chunk, channels, ...bounds];
    });

    // Views are taken after the last allocation above.
    const scales = floatsAt(memory, scale, channels);
    const offsets = floatsAt(memory, offset, channels);
    const slopes = floatsAt(memory, slope, channels);
    const dGamma = floatsAt(memory, at.dGamma, channels);
    for (let c = 0; c < channels; c++) {
      dGamma[c] = products[c] * inverse[c];
      offsets[c] = (scales[c] * sum[c]) / rows;
      slopes[c] = (scales[c] * products[c] * inverse[c] * inverse[c]) / rows;
    }
    floatsAt(memory, at.dBeta, channels).set(sum);
    native.split('batchNormGradientApply', rows, Math.ceil(GRAIN_FLOATS / channels), (first, count) => {
      const at0 = first * channels * 4;
      const images = [at.x + at0, at.dy + at0, at.dx + at0];
      return [...images, at.mean, scale, at.beta, offset, slope, count, channels, ...bounds];
    });
  });
}
