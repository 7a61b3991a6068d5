// The passes of batch normalisation over [rows, channels], each reading its inputs once. Sums leave as one partial per
// chunk of rows, which the caller adds in double precision.

import { defineFunction, type StoreType } from '../asm/function-builder';
import type { I32 } from '../asm/values';
import { ONE_DOUBLE, V128 } from '../asm/values';

/**
 * Partial sums of x and x^2 for each chunk, all in double precision: partial [chunks][2][channels] of doubles. Rounding these to
 * floats is what a deep net feels: through ResNet-50's 53 norms over 16 values each, the loss is 2e-5 off instead of 8e-6.
 */
const batchNormMoments = defineFunction(
  { x: 'i32', partial: 'i32', rows: 'i32', chunk: 'i32', channels: 'i32' },
  (f, p) => {
    const rowBytes = f.local(p.channels.shiftLeft(2));
    const sumBytes = f.local(p.channels.shiftLeft(3));
    const partial = f.local(p.partial);
    f.for(0, p.rows, p.chunk, (first) => {
      const rest = f.local(p.rows.sub(first));
      const count = f.local(rest.orElse(p.chunk, rest.below(p.chunk)));
      const start = f.local(p.x.add(first.mul(rowBytes)));
      /** Sums `halves` pairs of channels from byte `at` of a row on. */
      const sum = (at: I32, halves: readonly ('low' | 'high')[], load: typeof V128.load, store: StoreType): void => {
        const sums = halves.map(() => [f.local(V128.zero()), f.local(V128.zero())] as const);
        const x = f.local(start.add(at));
        f.repeat(count, () => {
          const values = f.local(load(x));
          halves.forEach((half, pair) => {
            const [total, squares] = sums[pair];
            const doubles = f.local(values.promote(half));
            f.set(total, total.addDoubles(doubles));
            f.set(squares, squares.addDoubles(doubles.mulDoubles(doubles)));
          });
          f.advance(x, rowBytes);
        });
        const to = f.local(partial.add(at.shiftLeft(1)));
        sums.forEach(([total, squares], pair) => {
          f.store(store, to, total, 16 * pair);
          f.store(store, to.add(sumBytes), squares, 16 * pair);
        });
      };
      const whole = f.local(rowBytes.and(-16));
      f.for(0, whole, 16, (at) => sum(at, ['low', 'high'], (address) => V128.load(address), V128));
      f.for(whole, rowBytes, 4, (at) => sum(at, ['low'], (address) => V128.loadOne(address), ONE_DOUBLE));
      f.advance(partial, sumBytes.shiftLeft(1));
    });
  },
);

/** y = clamp((x - mean) * scale + beta, low, high). Per channel: mean, scale, beta. */
const batchNormApply = defineFunction(
  {
    x: 'i32',
    y: 'i32',
    mean: 'i32',
    scale: 'i32',
    beta: 'i32',
    rows: 'i32',
    channels: 'i32',
    low: 'f32',
    high: 'f32',
  },
  (f, p) => {
    const rowBytes = f.local(p.channels.shiftLeft(2));
    const x = f.local(p.x);
    const y = f.local(p.y);
    f.repeat(p.rows, () => {
      f.forLanes(p.channels, (lanes, at) => {
        const d = lanes.load(x.add(at)).sub(lanes.load(p.mean.add(at)));
        const z = d.mul(lanes.load(p.scale.add(at))).add(lanes.load(p.beta.add(at)));
        f.store(lanes, y.add(at), z.clamp(lanes.splat(p.low), lanes.splat(p.high)));
      });
      f.advance(x, rowBytes);
      f.advance(y, rowBytes);
    });
  },
);

/**
 * Partial sums of dz and of dz * (x - mean) for each chunk: partial [chunks][2][channels]. dz is dy where the activation
 * passes it on: low < z < high with z as in batchNormApply, computed again (cheaper than a mask kept in memory).
 */
const batchNormGradientSums = defineFunction(
  {
    x: 'i32',
    dy: 'i32',
    mean: 'i32',
    scale: 'i32',
    beta: 'i32',
    partial: 'i32',
    rows: 'i32',
    chunk: 'i32',
    channels: 'i32',
    low: 'f32',
    high: 'f32',
  },
  (f, p) => {
    const rowBytes = f.local(p.channels.shiftLeft(2));
    const partial = f.local(p.partial);
    f.for(0, p.rows, p.chunk, (first) => {
      const rest = f.local(p.rows.sub(first));
      const count = f.local(rest.orElse(p.chunk, rest.below(p.chunk)));
      const start = f.local(first.mul(rowBytes));
      f.forLanes(p.channels, (lanes, at) => {
        const mean = f.local(lanes.load(p.mean.add(at)));
        const scale = f.local(lanes.load(p.scale.add(at)));
        const beta = f.local(lanes.load(p.beta.add(at)));
        const low = f.local(lanes.splat(p.low));
        const high = f.local(lanes.splat(p.high));
        const sum = f.local(lanes.zero());
        const products = f.local(lanes.zero());
        const x = f.local(p.x.add(start).add(at));
        const dy = f.local(p.dy.add(start).add(at));
        f.repeat(count, () => {
          const d = f.local(lanes.load(x).sub(mean));
          const z = f.local(d.mul(scale).add(beta));
          const dz = f.local(lanes.load(dy).where(z, low, high));
          f.set(sum, sum.add(dz));
          f.set(products, products.add(dz.mul(d)));
          f.advance(x, rowBytes);
          f.advance(dy, rowBytes);
        });
        f.store(lanes, partial.add(at), sum);
        f.store(lanes, partial.add(rowBytes).add(at), products);
      });
      f.advance(partial, rowBytes.shiftLeft(1));
    });
  },
);

/** dx = dz * scale - offset - (x - mean) * slope, dz as in batchNormGradientSums. Per channel: all but x, dy, dx. */
const batchNormGradientApply = defineFunction(
  {
    x: 'i32',
    dy: 'i32',
    dx: 'i32',
    mean: 'i32',
    scale: 'i32',
    beta: 'i32',
    offset: 'i32',
    slope: 'i32',
    rows: 'i32',
    channels: 'i32',
    low: 'f32',
    high: 'f32',
  },
  (f, p) => {
    const rowBytes = f.local(p.channels.shiftLeft(2));
    const x = f.local(p.x);
    const dy = f.local(p.dy);
    const dx = f.local(p.dx);
    f.repeat(p.rows, () => {
      f.forLanes(p.channels, (lanes, at) => {
        const d = f.local(lanes.load(x.add(at)).sub(lanes.load(p.mean.add(at))));
        const scale = f.local(lanes.load(p.scale.add(at)));
        const z = f.local(d.mul(scale).add(lanes.load(p.beta.add(at))));
        const dz = lanes.load(dy.add(at)).where(z, lanes.splat(p.low), lanes.splat(p.high));
        const centred = dz.mul(scale).sub(lanes.load(p.offset.add(at)));
        f.store(lanes, dx.add(at), centred.sub(d.mul(lanes.load(p.slope.add(at)))));
      });
      f.advance(x, rowBytes);
      f.advance(dy, rowBytes);
      f.advance(dx, rowBytes);
    });
  },
);

export const batchNormFunctions = {
  batchNormMoments,
  batchNormApply,
  batchNormGradientSums,
  batchNormGradientApply,
};
