// The two gradients of a depthwise convolution with one filter per channel. The forward pass stays with tfjs (XNNPACK).

import { defineFunction, type FunctionBuilder, type Parameters } from '../asm/function-builder';
import type { I32 } from '../asm/values';

const depthwiseParameters = {
  /** x or its gradient, [n, height, width, channels]. */
  image: 'i32',
  dy: 'i32',
  /** The filter or its gradient, [kernelHeight, kernelWidth, channels]. */
  filter: 'i32',
  /** Images to visit. */
  images: 'i32',
  height: 'i32',
  width: 'i32',
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
} as const;

/** Visits every tap that lies inside the image, with the addresses of the pixel, of its dy and of the filter's tap. */
function forEachTap(
  f: FunctionBuilder,
  p: Parameters<typeof depthwiseParameters>,
  visit: (pixel: I32, dy: I32, tap: I32) => void,
): void {
  const pixelBytes = f.local(p.channels.shiftLeft(2));
  const rowBytes = f.local(p.width.mul(pixelBytes));
  const imageBytes = f.local(p.height.mul(rowBytes));
  const image = f.local(p.image);
  const dy = f.local(p.dy);
  f.repeat(p.images, () => {
    f.for(0, p.outHeight, 1, (outY) => {
      f.for(0, p.outWidth, 1, (outX) => {
        const left = f.local(outX.mul(p.strideX).sub(p.padLeft));
        const y = f.local(outY.mul(p.strideY).sub(p.padTop));
        const tap = f.local(p.filter);
        f.repeat(p.kernelHeight, () => {
          const row = f.local(image.add(y.mul(rowBytes)));
          const x = f.local(left);
          f.repeat(p.kernelWidth, () => {
            f.if(x.below(p.width).and(y.below(p.height)), () => {
              visit(f.local(row.add(x.mul(pixelBytes))), dy, tap);
            });
            f.advance(tap, pixelBytes);
            f.advance(x, p.dilationX);
          });
          f.advance(y, p.dilationY);
        });
        f.advance(dy, pixelBytes);
      });
    });
    f.advance(image, imageBytes);
  });
}

/** Adds into the image's gradient, which must start from zeros. */
const depthwiseInputGradient = defineFunction(depthwiseParameters, (f, p) => {
  forEachTap(f, p, (pixel, dy, tap) => {
    f.forLanes(p.channels, (lanes, at) => {
      const target = f.local(pixel.add(at));
      const product = lanes.load(dy.add(at)).mul(lanes.load(tap.add(at)));
      f.store(lanes, target, lanes.load(target).add(product));
    });
  });
});

/** Adds into the filter's gradient, which must start from zeros. */
const depthwiseFilterGradient = defineFunction(depthwiseParameters, (f, p) => {
  forEachTap(f, p, (pixel, dy, tap) => {
    f.forLanes(p.channels, (lanes, at) => {
      const target = f.local(tap.add(at));
      const product = lanes.load(pixel.add(at)).mul(lanes.load(dy.add(at)));
      f.store(lanes, target, lanes.load(target).add(product));
    });
  });
});

export const depthwiseFunctions = { depthwiseInputGradient, depthwiseFilterGradient };
