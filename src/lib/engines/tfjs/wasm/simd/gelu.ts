// x times the normal distribution at x, and its derivative: one pass each, where composed operations take four and eight.

import { defineFunction, type FunctionBuilder } from '../asm/function-builder';
import { F32, type Lanes, type LanesType } from '../asm/values';

/** Abramowitz and Stegun 7.1.26, the complementary error function within 1.5e-7: a polynomial in t = 1 / (1 + p z). */
const P = 0.3275911;
const COEFFICIENTS = [0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429];

/** Terms of the exponential's series: on half an octave's range the ninth is 5e-9. */
const TERMS = 8;

/** e^-87 is just above the smallest normal number. */
const LOWEST = -87;

/** e^x for x up to 0: 2^n e^r with |r| at most ln(2) / 2, ln 2 in two parts so that r keeps all its digits. */
function exponential<L extends Lanes<L>>(f: FunctionBuilder, lanes: LanesType<L>, exponent: L): L {
  const constant = (value: number): L => lanes.splat(F32.of(value));
  const x = f.local(exponent.clamp(constant(LOWEST), constant(0)));
  const n = f.local(x.mul(constant(Math.LOG2E)).nearest());
  const high = 0.693359375;
  const r = f.local(x.sub(n.mul(constant(high))).sub(n.mul(constant(Math.LN2 - high))));
  const sum = f.local(constant(1));
  for (let term = TERMS - 1; term >= 1; term--)
    f.set(
      sum,
      sum
        .mul(r)
        .mul(constant(1 / term))
        .add(constant(1)),
    );
  return sum.mul(n.powerOfTwo());
}

/** The distribution function at x, and e^(-x^2 / 2). */
function normal<L extends Lanes<L>>(f: FunctionBuilder, lanes: LanesType<L>, x: L): { below: L; bell: L } {
  const constant = (value: number): L => lanes.splat(F32.of(value));
  const bell = f.local(exponential(f, lanes, x.mul(x).mul(constant(-0.5))));
  const t = f.local(constant(1).div(constant(1).add(x.abs().mul(constant(P * Math.SQRT1_2)))));
  const polynomial = COEFFICIENTS.reduceRight<L>((sum, value) => sum.mul(t).add(constant(value)), constant(0)).mul(t);
  const away = f.local(constant(0.5).sub(polynomial.mul(bell).mul(constant(0.5))));
  const positive = away.where(x, lanes.zero(), constant(Infinity));
  const negative = away.where(x, constant(-Infinity), lanes.zero());
  return { below: f.local(constant(0.5).add(positive).sub(negative)), bell };
}

const gelu = defineFunction({ x: 'i32', y: 'i32', count: 'i32' }, (f, p) => {
  f.forLanes(p.count, (lanes, at) => {
    const x = f.local(lanes.load(p.x.add(at)));
    f.store(lanes, p.y.add(at), x.mul(normal(f, lanes, x).below));
  });
});

/** dx = dy (distribution + x density). */
const geluGradient = defineFunction({ x: 'i32', dy: 'i32', dx: 'i32', count: 'i32' }, (f, p) => {
  f.forLanes(p.count, (lanes, at) => {
    const x = f.local(lanes.load(p.x.add(at)));
    const { below, bell } = normal(f, lanes, x);
    const density = bell.mul(lanes.splat(F32.of(1 / Math.sqrt(2 * Math.PI))));
    f.store(lanes, p.dx.add(at), lanes.load(p.dy.add(at)).mul(below.add(x.mul(density))));
  });
});

export const geluFunctions = { gelu, geluGradient };
