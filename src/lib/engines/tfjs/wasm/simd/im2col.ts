// Patches of an image as rows of a matrix, and back: what turns a convolution of any shape into matrix products.
// Row r of the matrix is output position r (image, row, column); its columns are [kh, kw, c], as a filter's rows are.

import { defineFunction, type FunctionBuilder, type Parameters } from '../asm/function-builder';
import type { I32 } from '../asm/values';

const patchParameters = {
  /** First element of the image batch, already advanced to the group's first channel. */
  image: 'i32',
  matrix: 'i32',
  height: 'i32',
  width: 'i32',
  /** Bytes from a pixel to the next. */
  pixelStride: 'i32',
  /** Channels of a patch. */
  channels: 'i32',
  kernelHeight: 'i32',
  kernelWidth: 'i32',
  strideY: 'i32',
  strideX: 'i32',
  dilationY: 'i32',
  dilationX: 'i32',
  padTop: 'i32',
  padLeft: 'i32',
  outHeight: 'i32',
  outWidth: 'i32',
  /** First output position of the matrix, counted over the batch, and how many. */
  first: 'i32',
  count: 'i32',
} as const;

interface Visitor {
  /** A run of `count` floats that lies in the image as it lies in the matrix: a tap, or a whole row of taps. */
  inside(pixel: I32, matrix: I32, count: I32): void;
  /** A tap beyond the image's edge. */
  outside?(matrix: I32): void;
}

/** Visits every tap of every patch in matrix order; a row of taps at once where nothing of it lies outside. */
function forEachTap(f: FunctionBuilder, p: Parameters<typeof patchParameters>, visit: Visitor): void {
  const tapBytes = f.local(p.channels.shiftLeft(2));
  const rowOfTaps = f.local(p.channels.mul(p.kernelWidth));
  const imageBytes = f.local(p.height.mul(p.width).mul(p.pixelStride));
  const perImage = f.local(p.outHeight.mul(p.outWidth));
  // Columns where a row of taps may start and stay inside; none when taps are not neighbours in memory.
  const contiguous = p.dilationX.equals(1).and(p.pixelStride.equals(tapBytes));
  const fits = contiguous.and(p.width.above(p.kernelWidth.sub(1)));
  const starts = f.local(p.width.sub(p.kernelWidth).add(1).orElse(0, fits));
  const matrix = f.local(p.matrix);
  f.for(p.first, p.first.add(p.count), 1, (position) => {
    const image = f.local(p.image.add(position.div(perImage).mul(imageBytes)));
    const within = f.local(position.rem(perImage));
    const top = f.local(within.div(p.outWidth).mul(p.strideY).sub(p.padTop));
    const left = f.local(within.rem(p.outWidth).mul(p.strideX).sub(p.padLeft));
    const y = f.local(top);
    f.repeat(p.kernelHeight, () => {
      const row = f.local(image.add(y.mul(p.width).mul(p.pixelStride)));
      // Unsigned comparisons: a coordinate below zero is outside too.
      f.if(
        left.below(starts).and(y.below(p.height)),
        () => {
          visit.inside(f.local(row.add(left.mul(p.pixelStride))), matrix, rowOfTaps);
          f.advance(matrix, rowOfTaps.shiftLeft(2));
        },
        () => {
          const x = f.local(left);
          f.repeat(p.kernelWidth, () => {
            f.if(
              x.below(p.width).and(y.below(p.height)),
              () => visit.inside(f.local(row.add(x.mul(p.pixelStride))), matrix, p.channels),
              () => visit.outside?.(matrix),
            );
            f.advance(matrix, tapBytes);
            f.advance(x, p.dilationX);
          });
        },
      );
      f.advance(y, p.dilationY);
    });
  });
}

const im2col = defineFunction(patchParameters, (f, p) => {
  forEachTap(f, p, {
    inside: (pixel, matrix, count) =>
      f.forLanes(count, (lanes, at) => f.store(lanes, matrix.add(at), lanes.load(pixel.add(at)))),
    outside: (matrix) => f.forLanes(p.channels, (lanes, at) => f.store(lanes, matrix.add(at), lanes.zero())),
  });
});

/** Adds the matrix into the image, which must start from zeros: the transpose of im2col. */
const col2im = defineFunction(patchParameters, (f, p) => {
  forEachTap(f, p, {
    inside: (pixel, matrix, count) =>
      f.forLanes(count, (lanes, at) => {
        const target = f.local(pixel.add(at));
        f.store(lanes, target, lanes.load(target).add(lanes.load(matrix.add(at))));
      }),
  });
});

/** Zeros `count` floats. */
const clear = defineFunction({ target: 'i32', count: 'i32' }, (f, p) => {
  f.forLanes(p.count, (lanes, at) => f.store(lanes, p.target.add(at), lanes.zero()));
});

export const im2colFunctions = { im2col, col2im, clear };
