// What a line chart is given, and the same as a table and as CSV. No drawing here.
import { csvText } from '$lib/core/csv';

export interface Series {
  id: string;
  label: string;
  /** CSS colour; classColor() or a token. */
  color: string;
  x: readonly number[];
  /** Same length as x; null leaves a gap. */
  y: readonly (number | null)[];
  dashed?: boolean;
  /** A mark at each value: for few values. */
  points?: boolean;
  /** Thin and pale: the raw curve behind a smoothed one. It has no label of its own. */
  faint?: boolean;
}

/** A vertical line with a word: the best epoch, a checkpoint. */
export interface Mark {
  x: number;
  label: string;
  strong?: boolean;
}

export type Aligned = [x: number[], ...y: (number | null)[][]];

/** The union of the x of all series, ascending. */
export function commonX(series: readonly Series[]): readonly number[] {
  const [first] = series;
  if (series.length > 0 && series.every(({ x }) => x === first.x)) return first.x;
  return [...new Set(series.flatMap(({ x }) => x))].sort((a, b) => a - b);
}

/** All series on the union of their x, null where a series has no value there. */
export function align(series: readonly Series[]): Aligned {
  const xs = [...commonX(series)];
  if (series.every(({ x }) => x === series[0].x)) return [xs, ...series.map(({ y }) => [...y])];
  const row = new Map(xs.map((x, index) => [x, index]));
  const columns = series.map(({ x, y }) => {
    const column = new Array<number | null>(xs.length).fill(null);
    x.forEach((at, index) => (column[row.get(at) ?? 0] = y[index]));
    return column;
  });
  return [xs, ...columns];
}

/** Headings and rows for the table view. */
export function tableOf(series: readonly Series[], xLabel: string): { head: string[]; rows: (number | null)[][] } {
  const shown = series.filter(({ faint }) => !faint);
  const [xs, ...columns] = align(shown);
  return {
    head: [xLabel, ...shown.map(({ label }) => label)],
    rows: xs.map((x, index) => [x, ...columns.map((column) => column[index])]),
  };
}

export function csvOf(series: readonly Series[], xLabel: string): string {
  const { head, rows } = tableOf(series, xLabel);
  return csvText([head, ...rows]);
}
