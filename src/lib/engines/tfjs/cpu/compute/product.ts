// A matrix product in plain JavaScript, summed in double precision: 4 x 4 results at a time stay in registers, and both factors
// are copied into panels of four that the innermost loop reads in order. Numbers in the registers are doubles whatever
// the arrays hold, so that panels of doubles cost nothing (6 GFLOP/s on one core where single-precision ones reach 5.7).

import { scratch } from './scratch';

/** Rows of A, and columns of B, in a panel. */
export const TILE = 4;

/** Rows and steps of A that are packed at a time: 128 kB, within a core's second-level cache. */
const BLOCK_ROWS = 64;
const BLOCK_STEPS = 256;

/** C [m, n] = A [m, k] B [k, n]; who calls knows where the numbers are. */
export interface Product {
  m: number;
  n: number;
  k: number;
  /**
   * Copies `steps` steps of `rows` rows of A: row r's step s goes to into[floor(r / 4) * 4 * steps + 4 * s + r % 4], rows
   * counted from `row` and steps from `step`. Rows that the last panel lacks may hold anything.
   */
  packA(into: Float64Array, row: number, rows: number, step: number, steps: number): void;
  /** Copies all of B: column c's step s goes to into[floor(c / 4) * 4 * k + 4 * s + c % 4]. */
  packB(into: Float64Array): void;
  /** Takes `rows` rows of C, from `row` on; each begins `stride` values after the one before. */
  store(c: Float64Array, stride: number, row: number, rows: number): void;
}

export function roundUp(count: number): number {
  return Math.ceil(count / TILE) * TILE;
}

export function multiply({ m, n, k, packA, packB, store }: Product): void {
  const width = roundUp(n);
  const b = scratch('b', width * k);
  const a = scratch('a', BLOCK_ROWS * Math.min(k, BLOCK_STEPS));
  const c = scratch('c', BLOCK_ROWS * width);
  packB(b);
  for (let row = 0; row < m; row += BLOCK_ROWS) {
    const rows = Math.min(BLOCK_ROWS, m - row);
    const height = roundUp(rows);
    c.fill(0, 0, height * width);
    for (let step = 0; step < k; step += BLOCK_STEPS) {
      const steps = Math.min(BLOCK_STEPS, k - step);
      packA(a, row, rows, step, steps);
      for (let column = 0; column < width; column += TILE) {
        const panel = column * k + step * TILE;
        for (let top = 0; top < height; top += TILE) {
          addTile(a, top * steps, b, panel, steps, c, top * width + column, width);
        }
      }
    }
    store(c, width, row, rows);
  }
}

/** Adds the product of two panels, from `ai` and `bi` on, to the 4 x 4 values of C at `ci`. */
function addTile(
  a: Float64Array,
  ai: number,
  b: Float64Array,
  bi: number,
  steps: number,
  c: Float64Array,
  ci: number,
  stride: number,
): void {
  let [c00, c01, c02, c03] = [0, 0, 0, 0];
  let [c10, c11, c12, c13] = [0, 0, 0, 0];
  let [c20, c21, c22, c23] = [0, 0, 0, 0];
  let [c30, c31, c32, c33] = [0, 0, 0, 0];
  for (let step = 0; step < steps; step++) {
    const a0 = a[ai];
    const a1 = a[ai + 1];
    const a2 = a[ai + 2];
    const a3 = a[ai + 3];
    // One value of B at a time: sixteen sums and four of A leave no register for more.
    const b0 = b[bi];
    c00 += a0 * b0;
    c10 += a1 * b0;
    c20 += a2 * b0;
    c30 += a3 * b0;
    const b1 = b[bi + 1];
    c01 += a0 * b1;
    c11 += a1 * b1;
    c21 += a2 * b1;
    c31 += a3 * b1;
    const b2 = b[bi + 2];
    c02 += a0 * b2;
    c12 += a1 * b2;
    c22 += a2 * b2;
    c32 += a3 * b2;
    const b3 = b[bi + 3];
    c03 += a0 * b3;
    c13 += a1 * b3;
    c23 += a2 * b3;
    c33 += a3 * b3;
    ai += 4;
    bi += 4;
  }
  c[ci] += c00;
  c[ci + 1] += c01;
  c[ci + 2] += c02;
  c[ci + 3] += c03;
  ci += stride;
  c[ci] += c10;
  c[ci + 1] += c11;
  c[ci + 2] += c12;
  c[ci + 3] += c13;
  ci += stride;
  c[ci] += c20;
  c[ci + 1] += c21;
  c[ci + 2] += c22;
  c[ci + 3] += c23;
  ci += stride;
  c[ci] += c30;
  c[ci + 1] += c31;
  c[ci + 2] += c32;
  c[ci + 3] += c33;
}
