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

/** How many rows of `width` floats are worked on at a time. A multiple of the register tile, so that none is left over. */
export function blockRows(width: number): number {
  return Math.max(24, Math.min(384, Math.floor(BLOCK_FLOATS / width / 24) * 24));
}

/** Bytes that `packed` needs. */
export function packedBytes(k: number, n: number): number {
  return Math.ceil(n / PANEL) * PANEL * k * 4;
}

/** Floats are summed per block of k and the blocks then added up, which keeps the rounding of long sums small. */
export function multiply(native: Native, p: MatrixProduct): void {
  const { call } = native;
  const [kStride, nStride] = p.bStrides;
  if (!p.aTransposed) {
    withScratch(native, packedBytes(p.k, p.n), (packed) => {
      call.pack(p.b, kStride, nStride, packed, p.k, p.n);
      multiplyPacked(call, { ...p, packed });
    });
    return;
  }
  const block = blockRows(p.m + p.n);
  const inPlace = nStride === 4 && p.n % PANEL === 0;
  const run = (packed: number): void => {
    for (let first = 0; first < p.k; first += block) {
      const k = Math.min(block, p.k - first);
      const b = p.b + first * kStride;
      if (!inPlace) call.pack(b, kStride, nStride, packed, k, p.n);
      const panels = inPlace ? [b, PANEL * 4, kStride] : [packed, PANEL * 4 * k, PANEL * 4];
      const accumulate = p.accumulate || first > 0 ? 1 : 0;
      call.productTransposed(p.a + first * p.aStride, p.aStride, ...panels, p.c, p.cStride, p.m, p.n, k, p.m, accumulate); // prettier-ignore
    }
  };
  if (inPlace) run(0);
  else withScratch(native, packedBytes(block, p.n), run);
}

/** As `multiply` for A [m, k] with B already in panels. */
export function multiplyPacked(
  call: Native['call'],
  p: Omit<MatrixProduct, 'b' | 'bStrides' | 'aTransposed'> & { packed: number },
): void {
  const panelBytes = PANEL * 4 * p.k;
  call.product(p.a, p.aStride, p.packed, panelBytes, PANEL * 4, p.c, p.cStride, p.m, p.n, p.k, blockRows(p.k), p.accumulate ? 1 : 0); // prettier-ignore
}
