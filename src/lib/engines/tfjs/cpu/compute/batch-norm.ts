// Training-mode batch norm with its activation, in plain JavaScript, all sums in double precision.
// Formulas: Ioffe and Szegedy 2015, section 3, the backward pass gathered into two sums per channel.

import type { FusedActivation } from '../../wasm/types';

export interface BatchNormSize {
  rows: number;
  channels: number;
  epsilon: number;
  activation: FusedActivation;
}

/** The values that the activation clamps to. */
const BOUNDS: Record<FusedActivation, readonly [low: number, high: number]> = {
  none: [-Infinity, Infinity],
  relu: [0, Infinity],
  relu6: [0, 6],
};

/** x, y [rows, channels]; the rest [channels]. Writes y, mean and variance (biased). */
export function batchNormForward(
  { rows, channels, epsilon, activation }: BatchNormSize,
  of: Readonly<Record<'x' | 'gamma' | 'beta' | 'y' | 'mean' | 'variance', Float32Array>>,
): void {
  const { x, gamma, beta, y, mean, variance } = of;
  const means = new Float64Array(channels);
  const squares = new Float64Array(channels);
  for (let at = 0, row = 0; row < rows; row++) for (let c = 0; c < channels; c++) means[c] += x[at++];
  for (let c = 0; c < channels; c++) means[c] /= rows;
  for (let at = 0, row = 0; row < rows; row++) {
    for (let c = 0; c < channels; c++) {
      const distance = x[at++] - means[c];
      squares[c] += distance * distance;
    }
  }
  const scale = new Float64Array(channels);
  for (let c = 0; c < channels; c++) {
    mean[c] = means[c];
    variance[c] = squares[c] / rows;
    // The rounded numbers, because those are what the backward pass gets.
    scale[c] = gamma[c] / Math.sqrt(variance[c] + epsilon);
  }
  const [low, high] = BOUNDS[activation];
  for (let at = 0, row = 0; row < rows; row++) {
    for (let c = 0; c < channels; c++, at++) {
      const z = (x[at] - mean[c]) * scale[c] + beta[c];
      y[at] = z < low ? low : z > high ? high : z;
    }
  }
}

/** Arrays as in batchNormForward; writes dx, dGamma and dBeta. */
export function batchNormBackward(
  { rows, channels, epsilon, activation }: BatchNormSize,
  of: Readonly<Record<'x' | 'dy' | 'gamma' | 'beta' | 'mean' | 'variance' | 'dx' | 'dGamma' | 'dBeta', Float32Array>>,
): void {
  const { x, dy, gamma, beta, mean, variance, dx, dGamma, dBeta } = of;
  const [low, high] = BOUNDS[activation];
  const inverse = Float64Array.from(variance, (value) => 1 / Math.sqrt(value + epsilon));
  const scale = inverse.map((value, c) => value * gamma[c]);
  const sums = new Float64Array(channels);
  const products = new Float64Array(channels);
  for (let at = 0, row = 0; row < rows; row++) {
    for (let c = 0; c < channels; c++, at++) {
      const centred = x[at] - mean[c];
      const z = centred * scale[c] + beta[c];
      // Both ends shut, as PyTorch has it.
      if (z <= low || z >= high) continue;
      sums[c] += dy[at];
      products[c] += dy[at] * centred;
    }
  }
  const offset = new Float64Array(channels);
  const slope = new Float64Array(channels);
  for (let c = 0; c < channels; c++) {
    dBeta[c] = sums[c];
    dGamma[c] = products[c] * inverse[c];
    offset[c] = (scale[c] * sums[c]) / rows;
    slope[c] = (scale[c] * products[c] * inverse[c] * inverse[c]) / rows;
  }
  for (let at = 0, row = 0; row < rows; row++) {
    for (let c = 0; c < channels; c++, at++) {
      const centred = x[at] - mean[c];
      const z = centred * scale[c] + beta[c];
      const passed = z <= low || z >= high ? 0 : dy[at];
      dx[at] = passed * scale[c] - offset[c] - centred * slope[c];
    }
  }
}
