// Activations that tfjs composes of several passes over the map, in one pass each.

import { defineFunction } from '../asm/function-builder';
import { F32 } from '../asm/values';

/** y = x * clamp(x + 3, 0, 6) / 6. */
const hardSwish = defineFunction({ x: 'i32', y: 'i32', count: 'i32' }, (f, p) => {
  f.forLanes(p.count, (lanes, at) => {
    const x = f.local(lanes.load(p.x.add(at)));
    const gate = x.add(lanes.splat(F32.of(3))).clamp(lanes.zero(), lanes.splat(F32.of(6)));
    f.store(lanes, p.y.add(at), x.mul(gate).mul(lanes.splat(F32.of(1 / 6))));
  });
});

/** The float before 3: what is above it is 3 or more. */
const BELOW_3 = 3 - 2 ** -22;

/** dx = dy * (0 up to -3, x / 3 + 1/2 between, 1 from 3). */
const hardSwishGradient = defineFunction({ x: 'i32', dy: 'i32', dx: 'i32', count: 'i32' }, (f, p) => {
  f.forLanes(p.count, (lanes, at) => {
    const x = f.local(lanes.load(p.x.add(at)));
    const between = x.mul(lanes.splat(F32.of(1 / 3))).add(lanes.splat(F32.of(0.5)));
    const slope = between
      .where(x, lanes.splat(F32.of(-3)), lanes.splat(F32.of(3)))
      .add(lanes.splat(F32.of(1)).where(x, lanes.splat(F32.of(BELOW_3)), lanes.splat(F32.of(Infinity))));
    f.store(lanes, p.dx.add(at), lanes.load(p.dy.add(at)).mul(slope));
  });
});

/** dx = dy * s * (1 + x * (1 - s)), s the sigmoid of x. */
const siluGradient = defineFunction({ x: 'i32', s: 'i32', dy: 'i32', dx: 'i32', count: 'i32' }, (f, p) => {
  f.forLanes(p.count, (lanes, at) => {
    const x = lanes.load(p.x.add(at));
    const s = f.local(lanes.load(p.s.add(at)));
    const one = lanes.splat(F32.of(1));
    const slope = s.mul(one.add(x.mul(one.sub(s))));
    f.store(lanes, p.dx.add(at), lanes.load(p.dy.add(at)).mul(slope));
  });
});

export const activationFunctions = { hardSwish, hardSwishGradient, siluGradient };
