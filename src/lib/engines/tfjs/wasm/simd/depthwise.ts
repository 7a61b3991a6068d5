// A depthwise convolution with one filter per channel, and its two gradients. Each is one walk over output positions and taps.

import { defineFunction, type FunctionBuilder, type Parameters } from '../asm/function-builder';
import type { I32 } from '../asm/values';

const depthwiseParameters = {
  /** x or its gradient, [n, height, width, channels]. */
  image: 'i32',
  /** y or its gradient, [n, outHeight, outWidth, channels]. */
  output: 'i32',
  /** The filter, or its gradient for each image, [kernelHeight, kernelWidth, channels]. */
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

/** What a walk writes, and therefore clears before it adds: each output position, each image, or a filter for each image. */
type Sum = 'output' | 'image' | 'filter';

/** Visits every tap that lies inside the image, with the addresses of the pixel, of the output and of the filter's tap. */
function forEachTap(
  f: FunctionBuilder,
  p: Parameters<typeof depthwiseParameters>,
  sum: Sum,
  visit: (pixel: I32, output: I32, tap: I32) => void,
): void {
  const pixelBytes = f.local(p.channels.shiftLeft(2));
  const rowBytes = f.local(p.width.mul(pixelBytes));
  const imageBytes = f.local(p.height.mul(rowBytes));
  const image = f.local(p.image);
  const output = f.local(p.output);
  const filter = f.local(p.filter);
  const filterBytes = f.local(p.kernelHeight.mul(p.kernelWidth).mul(pixelBytes));
  f.repeat(p.images, () => {
    if (sum === 'image') f.zero(image, imageBytes);
    if (sum === 'filter') f.zero(filter, filterBytes);
    f.for(0, p.outHeight, 1, (outY) => {
      f.for(0, p.outWidth, 1, (outX) => {
        const left = f.local(outX.mul(p.strideX).sub(p.padLeft));
        const y = f.local(outY.mul(p.strideY).sub(p.padTop));
        const tap = f.local(filter);
        if (sum === 'output') {
          f.forLanes(p.channels, (lanes, at) => f.store(lanes, output.add(at), lanes.zero()));
        }
        f.repeat(p.kernelHeight, () => {
          const row = f.local(image.add(y.mul(rowBytes)));
          const x = f.local(left);
          f.repeat(p.kernelWidth, () => {
            f.if(x.below(p.width).and(y.below(p.height)), () => {
              visit(f.local(row.add(x.mul(pixelBytes))), output, tap);
            });
            f.advance(tap, pixelBytes);
            f.advance(x, p.dilationX);
          });
          f.advance(y, p.dilationY);
        });
        f.advance(output, pixelBytes);
      });
    });
    f.advance(image, imageBytes);
    if (sum === 'filter') f.advance(filter, filterBytes);
  });
}

/** y = sum over taps of x * filter. */
const depthwiseForward = defineFunction(depthwiseParameters, (f, p) => {
  forEachTap(f, p, 'output', (pixel, output, tap) => {
    f.forLanes(p.channels, (lanes, at) => {
      const target = f.local(output.add(at));
      const product = lanes.load(pixel.add(at)).mul(lanes.load(tap.add(at)));
      f.store(lanes, target, lanes.load(target).add(product));
    });
  });
});

/** dx = sum over taps of dy * filter. */
const depthwiseInputGradient = defineFunction(depthwiseParameters, (f, p) => {
  forEachTap(f, p, 'image', (pixel, output, tap) => {
    f.forLanes(p.channels, (lanes, at) => {
      const target = f.local(pixel.add(at));
      const product = lanes.load(output.add(at)).mul(lanes.load(tap.add(at)));
      f.store(lanes, target, lanes.load(target).add(product));
    });
  });
});

/** For each image its own sum over positions of x * dy, one after the other. */
const depthwiseFilterGradient = defineFunction(depthwiseParameters, (f, p) => {
  forEachTap(f, p, 'filter', (pixel, output, tap) => {
    f.forLanes(p.channels, (lanes, at) => {
      const target = f.local(tap.add(at));
      const product = lanes.load(pixel.add(at)).mul(lanes.load(output.add(at)));
      f.store(lanes, target, lanes.load(target).add(product));
    });
  });
});

export const depthwiseFunctions = { depthwiseForward, depthwiseInputGradient, depthwiseFilterGradient };
