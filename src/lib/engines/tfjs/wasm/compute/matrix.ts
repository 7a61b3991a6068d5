// One matrix product on the heap, in any orientation: chooses what is packed, and blocks that fit the caches.

import { withScratch } from '../heap';
import type { Native } from '../native';
import { PANEL } from '../simd/gemm';

/** Floats of A (and B) worked on at a time: 128 kB, a quarter of a usual second-level cache. */
const BLOCK_FLOATS = 32_768;

export interface MatrixProduct {
  /** Address of A: [m, k], or [k, m] when `aTransposed`. */
  a: number;
  /** Bytes from a row of A, as stored, to the next. */
  aStride: number;
  aTransposed: boolean;
  /** Address of B and bytes from a step of k, and of n, to the next. */
  b: number;
  bStrides: readonly [k: number, n: number];
  /** Address of C [m, n] and bytes from a row to the next. */
  c: number;
  cStride: number;
  m: number;
  n: number;
  k: number;
  /** Adds to C instead of replacing it. */
  accumulate: boolean;
}

/** Multiply-adds that are worth waking a thread for: 3 to 5 microseconds of work. */
const GRAIN_OPERATIONS = 65_536;

/**
 * Terms that are summed one after the other before they join the rest: rounding grows with the length of the chain. Measured:
 * MobileNetV4's loss after two steps is 5e-7 from PyTorch's with 256, 2e-5 with all (up to 1280) in one go.
 */
const SUM_STEPS = 256;

/** Rows per register tile, all of its sizes: a piece of work ends on one. */
const TILE_ROWS = 12;

/** How many rows of `width` floats are worked on at a time. */
export function blockRows(width: number): number {
  return Math.max(24, Math.min(384, Math.floor(BLOCK_FLOATS / width / TILE_ROWS) * TILE_ROWS));
}

/** Bytes that a packed [k, n] matrix needs. */
export function packedBytes(k: number, n: number): number {
  return Math.ceil(n / PANEL) * PANEL * k * 4;
}

function grainRows(operationsPerRow: number): number {
  return Math.ceil(GRAIN_OPERATIONS / operationsPerRow / TILE_ROWS) * TILE_ROWS;
}

export function multiply(native: Native, p: MatrixProduct): void {
  const [kStride, nStride] = p.bStrides;
  if (p.aTransposed && nStride === 4 && p.n % PANEL === 0) {
    multiplyTransposed(native, p, [p.b, PANEL * 4, kStride]);
    return;
  }
  withScratch(native, packedBytes(p.k, p.n), (packed) => {
    native.call.pack(p.b, kStride, nStride, packed, p.k, p.n);
    if (p.aTransposed) multiplyTransposed(native, p, [packed, PANEL * 4 * p.k, PANEL * 4]);
    else multiplyPacked(native, { ...p, packed });
  });
}

/** `b`: address of B's first panel, bytes to the next panel, bytes to the next step of k. */
function multiplyTransposed(native: Native, p: MatrixProduct, b: readonly [number, number, number]): void {
  const accumulate = p.accumulate ? 1 : 0;
  native.split('productTransposed', p.m, TILE_ROWS, (first, m) => {
    const c = p.c + first * p.cStride;
    return [p.a + first * 4, p.aStride, ...b, c, p.cStride, m, p.n, p.k, blockRows(m + p.n), accumulate];
  });
}

/** As `multiply` for A [m, k] with B already in panels. */
export function multiplyPacked(
  native: Native,
  p: Omit<MatrixProduct, 'b' | 'bStrides' | 'aTransposed'> & { packed: number },
): void {
  for (let step = 0; step < p.k; step += SUM_STEPS) {
    const k = Math.min(SUM_STEPS, p.k - step);
    const b = [p.packed + step * PANEL * 4, PANEL * 4 * p.k, PANEL * 4];
    const accumulate = p.accumulate || step > 0 ? 1 : 0;
    native.split('product', p.m, grainRows(p.n * k), (first, m) => {
      const [a, c] = [p.a + first * p.aStride + step * 4, p.c + first * p.cStride];
      return [a, p.aStride, ...b, c, p.cStride, m, p.n, k, blockRows(k), accumulate];
    });
  }
}
