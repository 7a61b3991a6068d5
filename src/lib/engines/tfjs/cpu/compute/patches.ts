// The patch matrix of a convolution, never whole: row p, column (tap, channel) is the value that position p's kernel tap sees.

import type { ConvolutionShape } from '../../convolution-shape';
import { TILE } from './product';

/** Where taps look: for each tap, the first channel's index of the pixel under it at each position; -1 in the padding. */
export class PatchIndex {
  readonly #shape: ConvolutionShape;
  readonly #taps: number;
  #places = new Int32Array(0);
  #first = -1;
  #count = 0;

  constructor(shape: ConvolutionShape) {
    this.#shape = shape;
    this.#taps = shape.kernel[0] * shape.kernel[1];
  }

  /** Of positions `first`..`first + count`; tap t's are at t * count. Valid until the next call. */
  places(first: number, count: number): Int32Array {
    if (this.#first === first && this.#count === count) return this.#places;
    if (this.#places.length < this.#taps * count) this.#places = new Int32Array(this.#taps * count);
    const { kernel, strides, dilation, padding, input, output } = this.#shape;
    const [height, width, channels] = input;
    const places = this.#places;
    for (let at = 0; at < count; at++) {
      const position = first + at;
      const column = position % output[1];
      const line = (position - column) / output[1];
      const row = line % output[0];
      const image = (line - row) / output[0];
      for (let ky = 0, to = at; ky < kernel[0]; ky++) {
        const y = row * strides[0] + ky * dilation[0] - padding[0];
        for (let kx = 0; kx < kernel[1]; kx++, to += count) {
          const x = column * strides[1] + kx * dilation[1] - padding[2];
          const inside = y >= 0 && y < height && x >= 0 && x < width;
          places[to] = inside ? ((image * height + y) * width + x) * channels : -1;
        }
      }
    }
    this.#first = first;
    this.#count = count;
    return places;
  }
}

/** Packs rows of the patch matrix (positions) for one group's channels, `offset`..`offset + channels` of each pixel. */
export function packPositions(
  x: Float32Array,
  index: PatchIndex,
  offset: number,
  channels: number,
  into: Float64Array,
  row: number,
  rows: number,
  step: number,
  steps: number,
): void {
  const places = index.places(row, rows);
  for (let at = 0; at < rows; at++) {
    let to = (at - (at % TILE)) * steps + (at % TILE);
    for (let column = step; column < step + steps;) {
      const channel = column % channels;
      const tap = (column - channel) / channels;
      const length = Math.min(channels - channel, step + steps - column);
      const place = places[tap * rows + at];
      if (place < 0) {
        for (let end = to + length * TILE; to < end; to += TILE) into[to] = 0;
      } else {
        let from = place + offset + channel;
        for (let end = to + length * TILE; to < end; to += TILE) into[to] = x[from++];
      }
      column += length;
    }
  }
}

/** Packs columns of the patch matrix as rows of its transpose; steps are positions. */
export function packColumns(
  x: Float32Array,
  index: PatchIndex,
  offset: number,
  channels: number,
  into: Float64Array,
  row: number,
  rows: number,
  step: number,
  steps: number,
): void {
  const places = index.places(step, steps);
  for (let at = 0; at < rows; at++) {
    const channel = (row + at) % channels;
    const taps = ((row + at - channel) / channels) * steps;
    let to = (at - (at % TILE)) * steps + (at % TILE);
    const from = offset + channel;
    if (at % TILE === 0 && channel + TILE <= channels && at + TILE <= rows) {
      // Four channels of one tap, side by side.
      for (let position = 0; position < steps; position++) {
        const place = places[taps + position];
        if (place < 0) {
          into[to] = into[to + 1] = into[to + 2] = into[to + 3] = 0;
        } else {
          into[to] = x[place + from];
          into[to + 1] = x[place + from + 1];
          into[to + 2] = x[place + from + 2];
          into[to + 3] = x[place + from + 3];
        }
        to += TILE;
      }
      at += TILE - 1;
      continue;
    }
    for (let position = 0; position < steps; position++, to += TILE) {
      const place = places[taps + position];
      into[to] = place < 0 ? 0 : x[place + from];
    }
  }
}

/** Adds rows of a patch matrix to the pixels that they came from. */
export function scatterPositions(
  c: Float64Array,
  stride: number,
  index: PatchIndex,
  offset: number,
  channels: number,
  dx: Float64Array,
  row: number,
  rows: number,
  taps: number,
): void {
  const places = index.places(row, rows);
  for (let at = 0; at < rows; at++) {
    for (let tap = 0; tap < taps; tap++) {
      const place = places[tap * rows + at];
      if (place < 0) continue;
      let from = at * stride + tap * channels;
      const begin = place + offset;
      for (let to = begin; to < begin + channels; to++) dx[to] += c[from++];
    }
  }
}
