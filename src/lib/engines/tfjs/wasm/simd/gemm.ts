// Matrix products in SIMD: C[m, n] (+)= A[m, k] B[k, n], the operand A read in place in either orientation.
// B is read in panels of eight columns; `pack` makes those from any matrix, a wide enough row-major one is used in place.

import { defineFunction, type FunctionBuilder, type FunctionDefinition } from '../asm/function-builder';
import { F32, I32, V128 } from '../asm/values';

/** Columns in a panel: two vectors. */
export const PANEL = 8;
/** Rows in a register tile: 6 x 2 vectors of sums, 2 of B, 1 of A make 15 of the 16 registers of x86. The rest of the rows go by 2 and 1. */
const TILES = [6, 2, 1];

/** How the tile's rows of A lie in memory: every row contiguous along k, or (transposed) every column along m. */
type Orientation = 'rows' | 'columns';

interface Operands {
  /** First element of the tile of A. */
  a: I32;
  /** Bytes from a row (for 'columns': from a step of k) to the next. */
  aStride: I32;
  b: I32;
  /** Bytes from a step of k to the next; read by 'columns' alone, 'rows' has B packed. */
  bStride: I32;
  c: I32;
  cStride: I32;
  /** Columns that exist from this panel on. */
  columns: I32;
  k: I32;
  accumulate: I32;
}

function writeTile(f: FunctionBuilder, rows: number, orientation: Orientation, fused: boolean, o: Operands): void {
  const multiplyAdd = (a: V128, b: V128, sum: V128): V128 => (fused ? a.fusedMultiplyAdd(b, sum) : sum.add(a.mul(b)));
  const all = Array.from({ length: rows }, (_, row) => row);
  const sums = all.map(() => [f.local(V128.zero()), f.local(V128.zero())] as const);
  const b = f.local(o.b);
  // 'rows': one pointer per row, stepping a float; 'columns': one pointer, stepping a whole row of the stored matrix.
  const pointers: I32[] = [];
  if (orientation === 'rows') {
    for (const row of all) pointers.push(f.local(row === 0 ? o.a : pointers[row - 1].add(o.aStride)));
  } else {
    pointers.push(f.local(o.a));
  }
  const step = (unrolled: number): void => {
    const low = f.local(V128.load(b, 32 * unrolled));
    const high = f.local(V128.load(b, 32 * unrolled + 16));
    for (const row of all) {
      const a = f.local(
        orientation === 'rows' ? V128.loadSplat(pointers[row], 4 * unrolled) : V128.loadSplat(pointers[0], 4 * row),
      );
      const [left, right] = sums[row];
      f.set(left, multiplyAdd(a, low, left));
      f.set(right, multiplyAdd(a, high, right));
    }
    if (orientation === 'columns') {
      f.advance(b, o.bStride);
      f.advance(pointers[0], o.aStride);
    }
  };
  const unroll = 4;
  f.repeat(o.k.shiftRight(2), () => {
    for (let i = 0; i < unroll; i++) step(orientation === 'rows' ? i : 0);
    if (orientation === 'rows') {
      for (const pointer of pointers) f.advance(pointer, 4 * unroll);
      f.advance(b, 32 * unroll);
    }
  });
  f.repeat(o.k.and(unroll - 1), () => {
    step(0);
    if (orientation === 'rows') {
      for (const pointer of pointers) f.advance(pointer, 4);
      f.advance(b, 32);
    }
  });

  const c = f.local(o.c);
  for (const row of all) {
    const [left, right] = sums[row];
    f.if(
      o.columns.above(PANEL - 1),
      () => {
        f.if(o.accumulate, () => {
          f.set(left, left.add(V128.load(c, 0)));
          f.set(right, right.add(V128.load(c, 16)));
        });
        f.store(V128, c, left, 0);
        f.store(V128, c, right, 16);
      },
      () => {
        for (let column = 0; column < PANEL - 1; column++) {
          const sum = (column < 4 ? left : right).lane(column % 4);
          f.if(o.columns.above(column), () => {
            const old = F32.load(c, 4 * column).orElse(F32.zero(), o.accumulate);
            f.store(F32, c, sum.add(old), 4 * column);
          });
        }
      },
    );
    if (row + 1 < rows) f.advance(c, o.cStride);
  }
}

const productParameters = {
  a: 'i32',
  aStride: 'i32',
  b: 'i32',
  bPanel: 'i32',
  bStride: 'i32',
  c: 'i32',
  cStride: 'i32',
  m: 'i32',
  n: 'i32',
  k: 'i32',
  block: 'i32',
  accumulate: 'i32',
} as const;

/**
 * Strides are bytes. `bPanel` leads from a panel to the next, `bStride` from a step of k to the next in a panel. Rows ('rows')
 * or steps of k ('columns') go in blocks of `block`, so that a block of A stays in the cache while every panel of B meets it.
 * Blocks of k are summed each for itself and then added up, which also keeps the rounding of long sums small.
 */
function product(orientation: Orientation, fused: boolean): FunctionDefinition {
  return defineFunction(productParameters, (f, p) => {
    const transposed = orientation === 'columns';
    const rowBytes = transposed ? I32.of(4) : p.aStride;
    const length = transposed ? p.k : p.m;
    f.for(0, length, p.block, (first) => {
      const rest = f.local(length.sub(first));
      const size = f.local(rest.orElse(p.block, rest.below(p.block)));
      const m = transposed ? p.m : size;
      const k = transposed ? size : p.k;
      const blockA = f.local(p.a.add(first.mul(p.aStride)));
      const blockC = f.local(transposed ? p.c : p.c.add(first.mul(p.cStride)));
      const accumulate = transposed ? f.local(p.accumulate.or(first)) : p.accumulate;
      const panel = f.local(transposed ? p.b.add(first.mul(p.bStride)) : p.b);
      f.for(0, p.n, PANEL, (column) => {
        const columns = f.local(p.n.sub(column));
        const a = f.local(blockA);
        const c = f.local(blockC.add(column.shiftLeft(2)));
        const left = f.local(m);
        for (const rows of TILES) {
          f.repeat(left.div(rows), () => {
            writeTile(f, rows, orientation, fused, { ...p, a, b: panel, c, columns, k, accumulate });
            f.advance(a, rowBytes.mul(rows));
            f.advance(c, p.cStride.mul(rows));
            f.advance(left, -rows);
          });
        }
        f.advance(panel, p.bPanel);
      });
    });
  });
}

/** Copies a matrix of any strides (bytes) into panels [n / 8][k][8], the last one filled up with zeros. */
const pack = defineFunction(
  { source: 'i32', kStride: 'i32', nStride: 'i32', target: 'i32', k: 'i32', n: 'i32' },
  (f, p) => {
    const to = f.local(p.target);
    f.for(0, p.n, PANEL, (column) => {
      const row = f.local(p.source.add(column.mul(p.nStride)));
      const columns = f.local(p.n.sub(column));
      f.repeat(p.k, () => {
        const from = f.local(row);
        for (let i = 0; i < PANEL; i++) {
          f.if(
            columns.above(i),
            () => f.store(F32, to, F32.load(from), 4 * i),
            () => f.store(F32, to, F32.zero(), 4 * i),
          );
          f.advance(from, p.nStride);
        }
        f.advance(row, p.kStride);
        f.advance(to, 4 * PANEL);
      });
    });
  },
);

/** `fused`: with the fused multiply-add of relaxed SIMD, half the instructions. */
export function gemmFunctions(fused: boolean) {
  return {
    /** A as stored: [m, k]. */
    product: product('rows', fused),
    /** A stored as its transpose: [k, m]. */
    productTransposed: product('columns', fused),
    pack,
  };
}
