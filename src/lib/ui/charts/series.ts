// What a line chart is given, and the same as a table and as CSV. No drawing here.
import { csvText } from '$lib/core/csv';
import { smoothed } from './smooth';

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
  /** Never smoothed: a limit, a plan. */
  plain?: boolean;
}

/** A vertical line with a word: the best epoch, where a run went on. */
export interface Mark {
  x: number;
  label: string;
  strong?: boolean;
  /** A small triangle at the foot instead: one of many, such as checkpoints. */
  small?: boolean;
}

/** A part of the x axis. */
export interface Zoom {
  min: number;
  max: number;
}

export interface Drawing {
  /** 0..1, see smooth.ts. */
  smoothing: number;
  logarithmic: boolean;
  /** Bars on top of one another, in the order given. */
  stacked: boolean;
}

/**
 * What is drawn of the series: each smoothed one over its pale self; on a logarithmic scale a gap where a value is zero or less, which
 * has no place there; stacked ones as sums from the bottom up, the tallest first, so that each lower one covers its part.
 */
export function drawnSeries(series: readonly Series[], { smoothing, logarithmic, stacked }: Drawing): Series[] {
  if (stacked) return stackedSeries(series);
  const curves = smoothing > 0 ? series.flatMap((one) => withSmooth(one, smoothing)) : [...series];
  if (!logarithmic) return curves;
  return curves.map((one) => ({ ...one, y: one.y.map((value) => (value !== null && value > 0 ? value : null)) }));
}

/** A pale curve stays as it is: what belongs to it is another series. */
function withSmooth(one: Series, smoothing: number): Series[] {
  if (one.faint || one.plain) return [one];
  const raw: Series = { ...one, id: `${one.id}-raw`, faint: true, points: false };
  return [raw, { ...one, y: smoothed(one.y, smoothing), points: false }];
}

function stackedSeries(series: readonly Series[]): Series[] {
  const sums: number[] = [];
  const stack = series.map((one) => ({
    ...one,
    y: one.y.map((value, row) => (sums[row] = (sums[row] ?? 0) + (value ?? 0))),
  }));
  return stack.reverse();
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

/** Headings and rows for the table view; with smoothing a column more for each series, behind its own. */
export function tableOf(
  series: readonly Series[],
  xLabel: string,
  smoothing = 0,
): { head: string[]; rows: (number | null)[][] } {
  const shown = series
    .filter(({ faint }) => !faint)
    .flatMap((one) =>
      smoothing > 0 && !one.plain
        ? [one, { ...one, label: `${one.label} (smoothed ${smoothing})`, y: smoothed(one.y, smoothing) }]
        : [one],
    );
  const [xs, ...columns] = align(shown);
  return {
    head: [xLabel, ...shown.map(({ label }) => label)],
    rows: xs.map((x, index) => [x, ...columns.map((column) => column[index])]),
  };
}

export function csvOf(series: readonly Series[], xLabel: string, smoothing = 0): string {
  const { head, rows } = tableOf(series, xLabel, smoothing);
  return csvText([head, ...rows]);
}
