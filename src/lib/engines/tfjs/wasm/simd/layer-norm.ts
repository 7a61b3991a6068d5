// The passes of layer normalisation over [rows, channels], each row by itself while it is in the cache.

import { defineFunction, type FunctionBuilder } from '../asm/function-builder';
import { F32, I32, V128, type Lanes, type LanesType } from '../asm/values';

/** The sum of a term over a row of `bytes`. */
function rowSum(f: FunctionBuilder, bytes: I32, term: <L extends Lanes<L>>(lanes: LanesType<L>, at: I32) => L): F32 {
  const vector = f.local(V128.zero());
  const single = f.local(F32.zero());
  const whole = f.local(bytes.and(-16));
  f.for(0, whole, 16, (at) => f.set(vector, vector.add(term(V128, at))));
  f.for(whole, bytes, 4, (at) => f.set(single, single.add(term(F32, at))));
  const [a, b, c, d] = [0, 1, 2, 3].map((lane) => vector.lane(lane));
  return f.local(single.add(a.add(b)).add(c.add(d)));
}

/** y = (x - mean) / sqrt(variance + epsilon) gamma + beta; keeps each row's mean and 1 / sqrt(...). `share` is 1 / channels. */
const layerNormForward = defineFunction(
  {
    ...({ x: 'i32', gamma: 'i32', beta: 'i32', y: 'i32', mean: 'i32', inverse: 'i32' } as const),
    ...({ rows: 'i32', channels: 'i32', share: 'f32', epsilon: 'f32' } as const),
  },
  (f, p) => {
    const rowBytes = f.local(p.channels.shiftLeft(2));
    const x = f.local(p.x);
    const y = f.local(p.y);
    const kept = f.local(I32.of(0));
    f.repeat(p.rows, () => {
      const mean = f.local(rowSum(f, rowBytes, (lanes, at) => lanes.load(x.add(at))).mul(p.share));
      const squares = rowSum(f, rowBytes, (lanes, at) => {
        const d = f.local(lanes.load(x.add(at)).sub(lanes.splat(mean)));
        return d.mul(d);
      });
      const inverse = f.local(F32.of(1).div(squares.mul(p.share).add(p.epsilon).sqrt()));
      f.forLanes(p.channels, (lanes, at) => {
        const normalized = lanes.load(x.add(at)).sub(lanes.splat(mean)).mul(lanes.splat(inverse));
        f.store(lanes, y.add(at), normalized.mul(lanes.load(p.gamma.add(at))).add(lanes.load(p.beta.add(at))));
      });
      f.store(F32, p.mean.add(kept), mean);
      f.store(F32, p.inverse.add(kept), inverse);
      f.advance(kept, 4);
      f.advance(x, rowBytes);
      f.advance(y, rowBytes);
    });
  },
);

/**
 * dx = inverse (g - mean of g - n mean of (g n)) with g = dy gamma and n the normalised x. For each chunk of rows the sums
 * of dy n and of dy: partial [chunks][2][channels].
 */
const layerNormGradient = defineFunction(
  {
    ...({ x: 'i32', dy: 'i32', gamma: 'i32', mean: 'i32', inverse: 'i32', dx: 'i32', partial: 'i32' } as const),
    ...({ rows: 'i32', chunk: 'i32', channels: 'i32', share: 'f32' } as const),
  },
  (f, p) => {
    const rowBytes = f.local(p.channels.shiftLeft(2));
    const x = f.local(p.x);
    const dy = f.local(p.dy);
    const dx = f.local(p.dx);
    const kept = f.local(I32.of(0));
    const dGamma = f.local(p.partial);
    f.for(0, p.rows, p.chunk, (first) => {
      const rest = f.local(p.rows.sub(first));
      const count = f.local(rest.orElse(p.chunk, rest.below(p.chunk)));
      const dBeta = f.local(dGamma.add(rowBytes));
      f.zero(dGamma, rowBytes.shiftLeft(1));
      f.repeat(count, () => {
        const mean = f.local(F32.load(p.mean.add(kept)));
        const inverse = f.local(F32.load(p.inverse.add(kept)));
        const normalized = <L extends Lanes<L>>(lanes: LanesType<L>, at: I32): L =>
          lanes.load(x.add(at)).sub(lanes.splat(mean)).mul(lanes.splat(inverse));
        const through = <L extends Lanes<L>>(lanes: LanesType<L>, at: I32): L =>
          lanes.load(dy.add(at)).mul(lanes.load(p.gamma.add(at)));
        const level = f.local(rowSum(f, rowBytes, through).mul(p.share));
        const slope = f.local(
          rowSum(f, rowBytes, (lanes, at) => through(lanes, at).mul(normalized(lanes, at))).mul(p.share),
        );
        f.forLanes(p.channels, (lanes, at) => {
          const n = f.local(normalized(lanes, at));
          const centred = through(lanes, at)
            .sub(lanes.splat(level))
            .sub(n.mul(lanes.splat(slope)));
          f.store(lanes, dx.add(at), centred.mul(lanes.splat(inverse)));
          const own = f.local(lanes.load(dy.add(at)));
          const [toGamma, toBeta] = [f.local(dGamma.add(at)), f.local(dBeta.add(at))];
          f.store(lanes, toGamma, lanes.load(toGamma).add(own.mul(n)));
          f.store(lanes, toBeta, lanes.load(toBeta).add(own));
        });
        f.advance(kept, 4);
        f.advance(x, rowBytes);
        f.advance(dy, rowBytes);
        f.advance(dx, rowBytes);
      });
      f.advance(dGamma, rowBytes.shiftLeft(1));
    });
  },
);

export const layerNormFunctions = { layerNormForward, layerNormGradient };
