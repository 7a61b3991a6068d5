// A convolution's forward pass and both gradients as matrix products over patches, in plain JavaScript.

import { isPointwise, type ConvolutionShape } from '../../convolution-shape';
import { pack, storeRows, type Strided } from './panels';
import { packColumns, packPositions, PatchIndex, scatterPositions } from './patches';
import { multiply } from './product';

/** The matrices of one group: its channels, filters and where they begin. */
interface Group {
  channels: number;
  filters: number;
  columns: number;
  positions: number;
  /** First channel, and first filter. */
  channel: number;
  filter: number;
}

function groupsOf(s: ConvolutionShape): Group[] {
  const [channels, filters] = [s.input[2] / s.groups, s.output[2] / s.groups];
  return Array.from({ length: s.groups }, (_, group) => ({
    channels,
    filters,
    columns: s.kernel[0] * s.kernel[1] * channels,
    positions: s.batch * s.output[0] * s.output[1],
    channel: group * channels,
    filter: group * filters,
  }));
}

/** Lines are positions, steps are filters. */
function outputOf(s: ConvolutionShape, at: Float32Array, begin: number): Strided {
  return { at, begin, line: s.output[2], step: 1 };
}

/** Lines are steps of the patch, steps are filters. */
function filterOf(s: ConvolutionShape, at: Float32Array, begin: number): Strided {
  return { at, begin, line: s.output[2], step: 1 };
}

function transposed({ at, begin, line, step }: Strided): Strided {
  return { at, begin, line: step, step: line };
}

/** y = x * filter. */
export function convolve(s: ConvolutionShape, x: Float32Array, filter: Float32Array, y: Float32Array): void {
  const index = new PatchIndex(s);
  const pointwise = isPointwise(s);
  for (const { channels, filters, columns, positions, channel, filter: first } of groupsOf(s)) {
    const pixels: Strided = { at: x, begin: 0, line: columns, step: 1 };
    const weights = transposed(filterOf(s, filter, first));
    multiply({
      ...{ m: positions, n: filters, k: columns },
      packA: pointwise
        ? (into, row, rows, step, steps) => pack(pixels, into, row, rows, step, steps)
        : (into, row, rows, step, steps) => packPositions(x, index, channel, channels, into, row, rows, step, steps),
      packB: (into) => pack(weights, into, 0, filters, 0, columns),
      store: (c, stride, row, rows) => storeRows(c, stride, rows, filters, y, row * s.output[2] + first, s.output[2]),
    });
  }
}

/** dx = dy * filter^T, added up at the pixels that the patches came from. */
export function inputGradient(s: ConvolutionShape, dy: Float32Array, filter: Float32Array, dx: Float32Array): void {
  const index = new PatchIndex(s);
  const pointwise = isPointwise(s);
  const sums = pointwise ? new Float64Array(0) : new Float64Array(dx.length);
  for (const { channels, filters, columns, positions, channel, filter: first } of groupsOf(s)) {
    const slopes = outputOf(s, dy, first);
    const weights = filterOf(s, filter, first);
    multiply({
      ...{ m: positions, n: columns, k: filters },
      packA: (into, row, rows, step, steps) => pack(slopes, into, row, rows, step, steps),
      packB: (into) => pack(weights, into, 0, columns, 0, filters),
      store: pointwise
        ? (c, stride, row, rows) => storeRows(c, stride, rows, columns, dx, row * columns, columns)
        : (c, stride, row, rows) =>
            scatterPositions(c, stride, index, channel, channels, sums, row, rows, s.kernel[0] * s.kernel[1]),
    });
  }
  if (!pointwise) dx.set(sums);
}

/** dFilter = patches(x)^T * dy. */
export function filterGradient(s: ConvolutionShape, x: Float32Array, dy: Float32Array, dFilter: Float32Array): void {
  const index = new PatchIndex(s);
  const pointwise = isPointwise(s);
  for (const { channels, filters, columns, positions, channel, filter: first } of groupsOf(s)) {
    const pixels: Strided = { at: x, begin: 0, line: 1, step: columns };
    const slopes = transposed(outputOf(s, dy, first));
    multiply({
      ...{ m: columns, n: filters, k: positions },
      packA: pointwise
        ? (into, row, rows, step, steps) => pack(pixels, into, row, rows, step, steps)
        : (into, row, rows, step, steps) => packColumns(x, index, channel, channels, into, row, rows, step, steps),
      packB: (into) => pack(slopes, into, 0, filters, 0, positions),
      store: (c, stride, row, rows) =>
        storeRows(c, stride, rows, filters, dFilter, row * s.output[2] + first, s.output[2]),
    });
  }
}
