// A convolution's forward pass (grouped ones) and both gradients on the heap, as matrix products over patches.
// A 1x1 convolution is a product as it stands; every other one goes through blocks of patches that stay in the cache.

import type { ConvGeometry } from '../types';
import { blockRows, multiply, multiplyPacked, packedBytes } from './matrix';
import { withScratch } from '../heap';
import type { Native } from '../native';

export interface ConvolutionShape extends ConvGeometry {
  batch: number;
  /** [height, width, channels]. */
  input: readonly [number, number, number];
  output: readonly [number, number, number];
  kernel: readonly [number, number];
  groups: number;
}

export function outputSize(size: number, kernel: number, stride: number, padding: number, dilation: number): number {
  return Math.floor((size + padding - (kernel - 1) * dilation - 1) / stride) + 1;
}

export function convolutionShape(
  xShape: readonly number[],
  filterShape: readonly number[],
  geometry: ConvGeometry,
  groups: number,
): ConvolutionShape {
  const [batch, height, width, channels] = xShape;
  const [kh, kw, , filters] = filterShape;
  const { strides, dilation, padding } = geometry;
  const outHeight = outputSize(height, kh, strides[0], padding[0] + padding[1], dilation[0]);
  const outWidth = outputSize(width, kw, strides[1], padding[2] + padding[3], dilation[1]);
  return {
    strides,
    dilation,
    padding,
    batch,
    input: [height, width, channels],
    output: [outHeight, outWidth, filters],
    kernel: [kh, kw],
    groups,
  };
}

/** True when the patches are the pixels themselves. */
function isPointwise({ kernel, strides, padding, groups }: ConvolutionShape): boolean {
  const plain = kernel[0] === 1 && kernel[1] === 1 && strides[0] === 1 && strides[1] === 1 && groups === 1;
  return plain && padding.every((size) => size === 0);
}

/** What the patch matrix of one group looks like. */
function patchLayout(s: ConvolutionShape) {
  const channels = s.input[2] / s.groups;
  const filters = s.output[2] / s.groups;
  const columns = s.kernel[0] * s.kernel[1] * channels;
  const positions = s.batch * s.output[0] * s.output[1];
  /** Arguments of im2col and col2im. */
  const patches = (image: number, matrix: number, group: number, first: number, count: number): number[] => [
    image + group * channels * 4,
    matrix,
    s.input[0],
    s.input[1],
    s.input[2] * 4,
    channels,
    ...s.kernel,
    ...s.strides,
    ...s.dilation,
    s.padding[0],
    s.padding[2],
    s.output[0],
    s.output[1],
    first,
    count,
  ];
  return { channels, filters, columns, positions, patches, block: Math.min(blockRows(columns), positions) };
}

/** y = x * filter. */
export function convolve(native: Native, s: ConvolutionShape, x: number, filter: number, y: number): void {
  const { filters, columns, positions, patches, block } = patchLayout(s);
  const outBytes = s.output[2] * 4;
  const packedSize = packedBytes(columns, filters);
  withScratch(native, packedSize + block * columns * 4, (packed) => {
    const matrix = packed + packedSize;
    for (let group = 0; group < s.groups; group++) {
      const offset = group * filters * 4;
      native.call.pack(filter + offset, outBytes, 4, packed, columns, filters);
      for (let first = 0; first < positions; first += block) {
        const m = Math.min(block, positions - first);
        native.call.im2col(...patches(x, matrix, group, first, m));
        const c = y + first * outBytes + offset;
        const product = { a: matrix, aStride: columns * 4, packed, c, cStride: outBytes, m, n: filters, k: columns };
        multiplyPacked(native.call, { ...product, accumulate: false });
      }
    }
  });
}

/** dx = dy * filter^T, scattered back to the pixels. */
export function inputGradient(native: Native, s: ConvolutionShape, dy: number, filter: number, dx: number): void {
  const { filters, columns, positions, patches, block } = patchLayout(s);
  const outBytes = s.output[2] * 4;
  if (isPointwise(s)) {
    multiply(native, {
      ...{ a: dy, aStride: outBytes, aTransposed: false, b: filter, bStrides: [4, outBytes] },
      ...{ c: dx, cStride: columns * 4, m: positions, n: columns, k: filters, accumulate: false },
    });
    return;
  }
  native.call.clear(dx, s.batch * s.input[0] * s.input[1] * s.input[2]);
  const packedSize = packedBytes(filters, columns);
  withScratch(native, packedSize + block * columns * 4, (packed) => {
    const matrix = packed + packedSize;
    for (let group = 0; group < s.groups; group++) {
      const offset = group * filters * 4;
      native.call.pack(filter + offset, 4, outBytes, packed, filters, columns);
      for (let first = 0; first < positions; first += block) {
        const m = Math.min(block, positions - first);
        const a = dy + first * outBytes + offset;
        const product = { a, aStride: outBytes, packed, c: matrix, cStride: columns * 4, m, n: columns, k: filters };
        multiplyPacked(native.call, { ...product, accumulate: false });
        native.call.col2im(...patches(dx, matrix, group, first, m));
      }
    }
  });
}

/** dFilter = patches(x)^T * dy. */
export function filterGradient(native: Native, s: ConvolutionShape, x: number, dy: number, dFilter: number): void {
  const { filters, columns, positions, patches, block } = patchLayout(s);
  const outBytes = s.output[2] * 4;
  const common = {
    ...{ aStride: columns * 4, aTransposed: true, bStrides: [outBytes, 4] as const },
    ...{ cStride: outBytes, m: columns, n: filters },
  };
  if (isPointwise(s)) {
    multiply(native, { ...common, a: x, b: dy, c: dFilter, k: positions, accumulate: false });
    return;
  }
  withScratch(native, block * columns * 4, (matrix) => {
    for (let group = 0; group < s.groups; group++) {
      const offset = group * filters * 4;
      for (let first = 0; first < positions; first += block) {
        const k = Math.min(block, positions - first);
        native.call.im2col(...patches(x, matrix, group, first, k));
        const b = dy + first * outBytes + offset;
        multiply(native, { ...common, a: matrix, b, c: dFilter + offset, k, accumulate: first > 0 });
      }
    }
  });
}
