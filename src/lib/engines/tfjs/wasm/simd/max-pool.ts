// The gradient of max pooling: each output's gradient goes to the first place of its window that holds the maximum, in row
// order, as PyTorch and TensorFlow do it.

import { defineFunction } from '../asm/function-builder';
import { I32 } from '../asm/values';

/** Channels are contiguous; positions outside the image never hold a maximum. */
const maxPoolGradient = defineFunction(
  {
    x: 'i32',
    y: 'i32',
    dy: 'i32',
    dx: 'i32',
    /** Images to visit. */
    images: 'i32',
    height: 'i32',
    width: 'i32',
    channels: 'i32',
    kernelHeight: 'i32',
    kernelWidth: 'i32',
    strideY: 'i32',
    strideX: 'i32',
    padTop: 'i32',
    padLeft: 'i32',
    outHeight: 'i32',
    outWidth: 'i32',
  },
  (f, p) => {
    const pixelBytes = f.local(p.channels.shiftLeft(2));
    const rowBytes = f.local(p.width.mul(pixelBytes));
    // Byte offsets of the image in x and dx, and of the output position in y and dy.
    const image = f.local(I32.of(0));
    const position = f.local(I32.of(0));
    const imageBytes = f.local(p.height.mul(rowBytes));
    f.repeat(p.images, () => {
      f.zero(p.dx.add(image), imageBytes);
      f.for(0, p.outHeight, 1, (outY) => {
        f.for(0, p.outWidth, 1, (outX) => {
          const left = f.local(outX.mul(p.strideX).sub(p.padLeft));
          const top = f.local(outY.mul(p.strideY).sub(p.padTop));
          f.forLanes(p.channels, (lanes, at) => {
            const maximum = f.local(lanes.load(p.y.add(position).add(at)));
            // What is still to be given away: all of it, until the first maximum takes it.
            const rest = f.local(lanes.load(p.dy.add(position).add(at)));
            const y = f.local(top);
            f.repeat(p.kernelHeight, () => {
              const row = f.local(image.add(y.mul(rowBytes)).add(at));
              const x = f.local(left);
              f.repeat(p.kernelWidth, () => {
                f.if(x.below(p.width).and(y.below(p.height)), () => {
                  const pixel = f.local(row.add(x.mul(pixelBytes)));
                  const taken = f.local(rest.whereEqual(lanes.load(p.x.add(pixel)), maximum));
                  const target = f.local(p.dx.add(pixel));
                  f.store(lanes, target, lanes.load(target).add(taken));
                  f.set(rest, rest.sub(taken));
                });
                f.advance(x, 1);
              });
              f.advance(y, 1);
            });
          });
          f.advance(position, pixelBytes);
        });
      });
      f.advance(image, imageBytes);
    });
  },
);

export const maxPoolFunctions = { maxPoolGradient };
