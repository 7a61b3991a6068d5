// A convolution's forward pass and both gradients on the heap, as matrix products over patches.
// A 1x1 convolution is a product as it stands; every other one goes through blocks of patches that stay in the cache.

import { isPointwise, type ConvolutionShape } from '../../convolution-shape';
import { multiply, multiplyPacked, packedBytes } from './matrix';
import { withScratch } from '../heap';
import type { Native } from '../native';

/** Floats of patches made at a time: small enough for one core's cache, or enough to share out. */
const PATCH_FLOATS = 32_768;
const PATCH_FLOATS_PER_THREAD = 131_072;

/** Floats copied that are worth waking a thread for. */
const GRAIN_FLOATS = 16_384;

/** What the patch matrix of one group looks like, and how it is made and taken apart. */
function patchLayout(native: Native, s: ConvolutionShape) {
  const channels = s.input[2] / s.groups;
  const filters = s.output[2] / s.groups;
  const columns = s.kernel[0] * s.kernel[1] * channels;
  const perImage = s.output[0] * s.output[1];
  const positions = s.batch * perImage;
  const floats = native.threads === 1 ? PATCH_FLOATS : PATCH_FLOATS_PER_THREAD * native.threads;
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
  return {
    filters,
    columns,
    positions,
    block: Math.min(positions, Math.max(24, Math.floor(floats / columns / 24) * 24)),
    /** Threads share out col2im by images, whose pixels overlap with no other's: blocks are whole images then. */
    imageBlock: perImage * Math.min(s.batch, Math.max(1, Math.floor(floats / columns / perImage))),
    gather(x: number, matrix: number, group: number, first: number, count: number): void {
      const grain = Math.ceil(GRAIN_FLOATS / columns);
      native.split('im2col', count, grain, (from, n) =>
        patches(x, matrix + from * columns * 4, group, first + from, n),
      );
    },
    scatter(dx: number, matrix: number, group: number, first: number, count: number): void {
      const grain = native.threads === 1 ? count : perImage;
      native.split('col2im', count, grain, (from, n) =>
        patches(dx, matrix + from * columns * 4, group, first + from, n),
      );
    },
  };
}

/** y = x * filter. */
export function convolve(native: Native, s: ConvolutionShape, x: number, filter: number, y: number): void {
  const { filters, columns, positions, block, gather } = patchLayout(native, s);
  const outBytes = s.output[2] * 4;
  if (isPointwise(s)) {
    multiply(native, {
      ...{ a: x, aStride: columns * 4, aTransposed: false, b: filter, bStrides: [outBytes, 4] },
      ...{ c: y, cStride: outBytes, m: positions, n: filters, k: columns, accumulate: false },
    });
    return;
  }
  const packedSize = packedBytes(columns, filters);
  withScratch(native, packedSize + block * columns * 4, (packed) => {
    const matrix = packed + packedSize;
    for (let group = 0; group < s.groups; group++) {
      const offset = group * filters * 4;
      native.call.pack(filter + offset, outBytes, 4, packed, columns, filters);
      for (let first = 0; first < positions; first += block) {
        const m = Math.min(block, positions - first);
        gather(x, matrix, group, first, m);
        const c = y + first * outBytes + offset;
        const product = { a: matrix, aStride: columns * 4, packed, c, cStride: outBytes, m, n: filters, k: columns };
        multiplyPacked(native, { ...product, accumulate: false });
      }
    }
  });
}

/** dx = dy * filter^T, scattered back to the pixels. */
export function inputGradient(native: Native, s: ConvolutionShape, dy: number, filter: number, dx: number): void {
  const { filters, columns, positions, block, imageBlock, scatter } = patchLayout(native, s);
  const outBytes = s.output[2] * 4;
  if (isPointwise(s)) {
    multiply(native, {
      ...{ a: dy, aStride: outBytes, aTransposed: false, b: filter, bStrides: [4, outBytes] },
      ...{ c: dx, cStride: columns * 4, m: positions, n: columns, k: filters, accumulate: false },
    });
    return;
  }
  native.call.clear(dx, s.batch * s.input[0] * s.input[1] * s.input[2]);
  const step = native.threads === 1 ? block : imageBlock;
  const packedSize = packedBytes(filters, columns);
  withScratch(native, packedSize + step * columns * 4, (packed) => {
    const matrix = packed + packedSize;
    for (let group = 0; group < s.groups; group++) {
      const offset = group * filters * 4;
      native.call.pack(filter + offset, 4, outBytes, packed, filters, columns);
      for (let first = 0; first < positions; first += step) {
        const m = Math.min(step, positions - first);
        const a = dy + first * outBytes + offset;
        const product = { a, aStride: outBytes, packed, c: matrix, cStride: columns * 4, m, n: columns, k: filters };
        multiplyPacked(native, { ...product, accumulate: false });
        scatter(dx, matrix, group, first, m);
      }
    }
  });
}

/** dFilter = patches(x)^T * dy. */
export function filterGradient(native: Native, s: ConvolutionShape, x: number, dy: number, dFilter: number): void {
  const { filters, columns, positions, block, gather } = patchLayout(native, s);
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
        gather(x, matrix, group, first, k);
        const b = dy + first * outBytes + offset;
        multiply(native, { ...common, a: matrix, b, c: dFilter + offset, k, accumulate: first > 0 });
      }
    }
  });
}
