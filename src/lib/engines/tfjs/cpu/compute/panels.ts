// Copies matrices that lie in memory with fixed strides into panels (see product.ts), and results back.

import { TILE } from './product';

/** A matrix inside an array: line i's step s is at[begin + i * line + s * step]. */
export interface Strided {
  at: Float32Array;
  begin: number;
  line: number;
  step: number;
}

/** Copies steps `step`..`step + steps` of lines `first`..`first + lines` (rows of A, columns of B). Missing lines become 0. */
export function pack(
  { at, begin, line, step: stride }: Strided,
  into: Float64Array,
  first: number,
  lines: number,
  step: number,
  steps: number,
): void {
  for (let top = 0; top < lines; top += TILE) {
    const from = begin + (first + top) * line + step * stride;
    const panel = top * steps;
    const whole = lines - top >= TILE;
    if (whole && line === 1) packAcross(at, from, stride, into, panel, steps);
    else if (whole) packAlong(at, from, line, stride, into, panel, steps);
    else packPart({ at, begin: from, line, step: stride }, into, panel, lines - top, steps);
  }
}

/** Four lines side by side in memory. */
function packAcross(
  at: Float32Array,
  from: number,
  stride: number,
  into: Float64Array,
  to: number,
  steps: number,
): void {
  for (let step = 0; step < steps; step++) {
    into[to] = at[from];
    into[to + 1] = at[from + 1];
    into[to + 2] = at[from + 2];
    into[to + 3] = at[from + 3];
    from += stride;
    to += TILE;
  }
}

function packAlong(
  at: Float32Array,
  from: number,
  line: number,
  stride: number,
  into: Float64Array,
  to: number,
  steps: number,
): void {
  for (let step = 0; step < steps; step++) {
    into[to] = at[from];
    into[to + 1] = at[from + line];
    into[to + 2] = at[from + 2 * line];
    into[to + 3] = at[from + 3 * line];
    from += stride;
    to += TILE;
  }
}

function packPart(
  { at, begin, line, step: stride }: Strided,
  into: Float64Array,
  to: number,
  lines: number,
  steps: number,
): void {
  for (let step = 0; step < steps; step++) {
    for (let index = 0; index < TILE; index++) {
      into[to + step * TILE + index] = index < lines ? at[begin + index * line + step * stride] : 0;
    }
  }
}

/** Rounds `rows` rows of C to floats: value j of row i goes to to[begin + i * line + j]. */
export function storeRows(
  c: Float64Array,
  stride: number,
  rows: number,
  columns: number,
  to: Float32Array,
  begin: number,
  line: number,
): void {
  for (let row = 0; row < rows; row++) {
    const from = row * stride;
    const into = begin + row * line;
    for (let column = 0; column < columns; column++) to[into + column] = c[from + column];
  }
}
