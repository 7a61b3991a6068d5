// A depthwise convolution and its two gradients on the heap. Several filters per channel are one filter per channel of an
// input whose channels are repeated; that copy is made only then.

import { floatsAt, withScratch } from '../heap';
import type { Native } from '../native';
import type { ConvolutionShape } from '../../convolution-shape';

/** Arguments of the SIMD functions for `count` images from `first` on. */
function images(
  s: ConvolutionShape,
  image: number,
  output: number,
  filter: number,
  first: number,
  count: number,
): number[] {
  const [height, width, channels] = s.input;
  return [
    image + first * height * width * channels * 4,
    output + first * s.output[0] * s.output[1] * channels * 4,
    filter,
    count,
    height,
    width,
    channels,
    ...s.kernel,
    ...s.strides,
    ...s.dilation,
    s.padding[0],
    s.padding[2],
    s.output[0],
    s.output[1],
  ];
}

/** y from x and the filter [kh, kw, c]: one filter per channel only. */
export function depthwiseForward(native: Native, s: ConvolutionShape, x: number, filter: number, y: number): void {
  native.split('depthwiseForward', s.batch, 1, (first, count) => images(s, x, y, filter, first, count));
}

/** dx from dy and the filter [kh, kw, c]. */
function plainInputGradient(native: Native, s: ConvolutionShape, dy: number, filter: number, dx: number): void {
  native.split('depthwiseInputGradient', s.batch, 1, (first, count) => images(s, dx, dy, filter, first, count));
}

/** Each image has sums of its own, added in double precision at the end: a sum over the whole batch would round badly. */
function plainFilterGradient(native: Native, s: ConvolutionShape, x: number, dy: number, dFilter: number): void {
  const size = s.kernel[0] * s.kernel[1] * s.input[2];
  withScratch(native, s.batch * size * 4, (partial) => {
    native.split('depthwiseFilterGradient', s.batch, 1, (first, count) =>
      images(s, x, dy, partial + first * size * 4, first, count),
    );
    const partials = floatsAt(native.memory, partial, s.batch * size);
    const sums = new Float64Array(size);
    for (let image = 0; image < s.batch; image++) {
      for (let i = 0; i < size; i++) sums[i] += partials[image * size + i];
    }
    floatsAt(native.memory, dFilter, size).set(sums);
  });
}

/** The shape whose input channels are as many as the output's, and how many of those one real channel becomes. */
function repeated(s: ConvolutionShape): { shape: ConvolutionShape; multiplier: number; size: number } {
  const [height, width, channels] = s.input;
  const multiplier = s.output[2] / channels;
  return {
    shape: { ...s, input: [height, width, s.output[2]] },
    multiplier,
    size: s.batch * height * width * channels,
  };
}

/** Addresses: dy [n, oh, ow, c * m], filter [kh, kw, c, m], dx [n, h, w, c]. */
export function depthwiseInputGradient(
  native: Native,
  s: ConvolutionShape,
  dy: number,
  filter: number,
  dx: number,
): void {
  const { shape, multiplier, size } = repeated(s);
  if (multiplier === 1) return plainInputGradient(native, s, dy, filter, dx);
  withScratch(native, size * multiplier * 4, (wide) => {
    plainInputGradient(native, shape, dy, filter, wide);
    const from = floatsAt(native.memory, wide, size * multiplier);
    const to = floatsAt(native.memory, dx, size);
    for (let i = 0; i < size; i++) {
      let sum = 0;
      for (let j = 0; j < multiplier; j++) sum += from[i * multiplier + j];
      to[i] = sum;
    }
  });
}

/** Addresses: x [n, h, w, c], dy [n, oh, ow, c * m], dFilter [kh, kw, c, m]. */
export function depthwiseFilterGradient(
  native: Native,
  s: ConvolutionShape,
  x: number,
  dy: number,
  dFilter: number,
): void {
  const { shape, multiplier, size } = repeated(s);
  if (multiplier === 1) return plainFilterGradient(native, s, x, dy, dFilter);
  withScratch(native, size * multiplier * 4, (wide) => {
    const from = floatsAt(native.memory, x, size);
    const to = floatsAt(native.memory, wide, size * multiplier);
    for (let i = 0; i < size; i++) to.fill(from[i], i * multiplier, (i + 1) * multiplier);
    plainFilterGradient(native, shape, wide, dy, dFilter);
  });
}
