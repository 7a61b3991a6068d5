// A confusion matrix as shares. Rows are the truth.

export type MatrixMode = 'count' | 'row' | 'column';

/** Up to this many classes each cell has room for its number; beyond, the matrix is drawn. */
export const MOST_CELLS_WIDE = 24;

/** Share of a cell in its row (recall's view), its column (precision's) or, for counts, in its row. Null of an empty line. */
export function shareOf(
  matrix: readonly (readonly number[])[],
  row: number,
  column: number,
  mode: MatrixMode,
): number | null {
  const line = mode === 'column' ? matrix.map((cells) => cells[column]) : matrix[row];
  const total = line.reduce((sum, count) => sum + count, 0);
  return total === 0 ? null : matrix[row][column] / total;
}

/** Shares of all cells, row-major; an empty line is all 0. One pass over the matrix. */
export function allShares(matrix: readonly (readonly number[])[], mode: MatrixMode): Float32Array {
  const size = matrix.length;
  const totals = new Float64Array(size);
  matrix.forEach((cells, row) =>
    cells.forEach((count, column) => {
      totals[mode === 'column' ? column : row] += count;
    }),
  );
  const shares = new Float32Array(size * size);
  matrix.forEach((cells, row) =>
    cells.forEach((count, column) => {
      const total = totals[mode === 'column' ? column : row];
      shares[row * size + column] = total === 0 ? 0 : count / total;
    }),
  );
  return shares;
}
