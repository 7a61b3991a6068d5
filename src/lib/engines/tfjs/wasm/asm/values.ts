// Typed expressions of the run-time assembler. Each holds the WebAssembly bytes that leave its value on the stack; an
// expression used twice is computed twice, so keep it in a local (function-builder.ts) when that matters.

import { float32, signed, unsigned, type Bytes } from './encoding';

const SIMD = 0xfd;

/** Of float32. */
const EXPONENT_BIAS = 127;
const EXPONENT_SHIFT = 23;

/** Alignment hint 0: unaligned access costs nothing on the machines that matter. */
function memory(offset: number): number[] {
  return [0, ...unsigned(offset)];
}

export class I32 {
  static readonly type = 0x7f;
  constructor(
    readonly code: Bytes,
    /** Index when this is a local variable. */
    readonly local?: number,
  ) {}

  static of(value: I32 | number): I32 {
    return typeof value === 'number' ? new I32([0x41, ...signed(value)]) : value;
  }
  private with(other: I32 | number, opcode: number): I32 {
    return new I32([...this.code, ...I32.of(other).code, opcode]);
  }
  add(other: I32 | number): I32 {
    return other === 0 ? this : this.with(other, 0x6a);
  }
  sub(other: I32 | number): I32 {
    return this.with(other, 0x6b);
  }
  mul(other: I32 | number): I32 {
    return this.with(other, 0x6c);
  }
  /** Unsigned division. */
  div(other: I32 | number): I32 {
    return this.with(other, 0x6e);
  }
  /** Unsigned remainder. */
  rem(other: I32 | number): I32 {
    return this.with(other, 0x70);
  }
  and(other: I32 | number): I32 {
    return this.with(other, 0x71);
  }
  or(other: I32 | number): I32 {
    return this.with(other, 0x72);
  }
  shiftLeft(bits: number): I32 {
    return this.with(bits, 0x74);
  }
  /** Unsigned. */
  shiftRight(bits: number): I32 {
    return this.with(bits, 0x76);
  }
  equals(other: I32 | number): I32 {
    return this.with(other, 0x46);
  }
  /** Unsigned: a negative number is large. */
  below(other: I32 | number): I32 {
    return this.with(other, 0x49);
  }
  /** Unsigned. */
  above(other: I32 | number): I32 {
    return this.with(other, 0x4b);
  }
  /** this when condition is not 0, else other. */
  orElse(other: I32 | number, condition: I32): I32 {
    return new I32([...this.code, ...I32.of(other).code, ...condition.code, 0x1b]);
  }
}

/** What one float and four floats at once have in common, so that a loop body is written once for both. */
export interface Lanes<L> {
  readonly code: Bytes;
  add(other: L): L;
  sub(other: L): L;
  mul(other: L): L;
  div(other: L): L;
  abs(): L;
  sqrt(): L;
  /** The nearest whole number, halves to the even one. */
  nearest(): L;
  /** 2 to the power of this, a whole number in -126..127. */
  powerOfTwo(): L;
  /** Clamped to [low, high]; a NaN stays a NaN. */
  clamp(low: L, high: L): L;
  /** this where low < z < high, else 0. */
  where(z: L, low: L, high: L): L;
  /** this where a = b, else 0. */
  whereEqual(a: L, b: L): L;
}

export interface LanesType<L extends Lanes<L>> {
  new (code: Bytes, local?: number): L;
  readonly type: number;
  readonly count: number;
  load(address: I32, offset?: number): L;
  /** The same float in every lane. */
  splat(value: F32): L;
  zero(): L;
  storeCode(offset: number): number[];
}

export class F32 implements Lanes<F32> {
  static readonly type = 0x7d;
  static readonly count = 1;
  constructor(
    readonly code: Bytes,
    readonly local?: number,
  ) {}

  static of(value: number): F32 {
    return new F32([0x43, ...float32(value)]);
  }
  static load(address: I32, offset = 0): F32 {
    return new F32([...address.code, 0x2a, ...memory(offset)]);
  }
  static splat(value: F32): F32 {
    return value;
  }
  static zero(): F32 {
    return F32.of(0);
  }
  static storeCode(offset: number): number[] {
    return [0x38, ...memory(offset)];
  }
  private with(other: F32, opcode: number): F32 {
    return new F32([...this.code, ...other.code, opcode]);
  }
  add(other: F32): F32 {
    return this.with(other, 0x92);
  }
  sub(other: F32): F32 {
    return this.with(other, 0x93);
  }
  mul(other: F32): F32 {
    return this.with(other, 0x94);
  }
  div(other: F32): F32 {
    return this.with(other, 0x95);
  }
  abs(): F32 {
    return new F32([...this.code, 0x8b]);
  }
  sqrt(): F32 {
    return new F32([...this.code, 0x91]);
  }
  nearest(): F32 {
    return new F32([...this.code, 0x90]);
  }
  powerOfTwo(): F32 {
    // The exponent's bits: saturating truncation to an integer, plus the bias, moved into place.
    const whole = new I32([...this.code, 0xfc, 0]);
    return new F32([...whole.add(EXPONENT_BIAS).shiftLeft(EXPONENT_SHIFT).code, 0xbe]);
  }
  clamp(low: F32, high: F32): F32 {
    return this.with(low, 0x97).with(high, 0x96);
  }
  /** this when condition is not 0, else other. Both are computed. */
  orElse(other: F32, condition: I32): F32 {
    return new F32([...this.code, ...other.code, ...condition.code, 0x1b]);
  }
  where(z: F32, low: F32, high: F32): F32 {
    const inside = [...low.code, ...z.code, 0x5d, ...z.code, ...high.code, 0x5d, 0x71];
    return new F32([...this.code, ...F32.zero().code, ...inside, 0x1b]);
  }
  whereEqual(a: F32, b: F32): F32 {
    return new F32([...this.code, ...F32.zero().code, ...a.code, ...b.code, 0x5b, 0x1b]);
  }
}

/** Four floats. */
export class V128 implements Lanes<V128> {
  static readonly type = 0x7b;
  static readonly count = 4;
  constructor(
    readonly code: Bytes,
    readonly local?: number,
  ) {}

  static load(address: I32, offset = 0): V128 {
    return new V128([...address.code, SIMD, 0, ...memory(offset)]);
  }
  /** One float from memory into all lanes. */
  static loadSplat(address: I32, offset = 0): V128 {
    return new V128([...address.code, SIMD, 9, ...memory(offset)]);
  }
  /** One float from memory, and zeros. */
  static loadOne(address: I32, offset = 0): V128 {
    return new V128([...address.code, SIMD, 0x5c, ...memory(offset)]);
  }
  static splat(value: F32): V128 {
    return new V128([...value.code, SIMD, 0x13]);
  }
  static zero(): V128 {
    return new V128([SIMD, 12, ...new Array<number>(16).fill(0)]);
  }
  static storeCode(offset: number): number[] {
    return [SIMD, 11, ...memory(offset)];
  }
  private with(other: V128, opcode: number): V128 {
    return new V128([...this.code, ...other.code, SIMD, ...unsigned(opcode)]);
  }
  add(other: V128): V128 {
    return this.with(other, 0xe4);
  }
  sub(other: V128): V128 {
    return this.with(other, 0xe5);
  }
  mul(other: V128): V128 {
    return this.with(other, 0xe6);
  }
  div(other: V128): V128 {
    return this.with(other, 0xe7);
  }
  private alone(opcode: number): V128 {
    return new V128([...this.code, SIMD, ...unsigned(opcode)]);
  }
  abs(): V128 {
    return this.alone(0xe0);
  }
  sqrt(): V128 {
    return this.alone(0xe3);
  }
  nearest(): V128 {
    return this.alone(0x6a);
  }
  powerOfTwo(): V128 {
    const bias = [...I32.of(EXPONENT_BIAS).code, SIMD, 0x11];
    const biased = [...this.alone(0xf8).code, ...bias, SIMD, ...unsigned(0xae)];
    return new V128([...biased, ...I32.of(EXPONENT_SHIFT).code, SIMD, ...unsigned(0xab)]);
  }
  /** pmin and pmax: one machine instruction each on x86, against eight for the NaN-ordering min and max. */
  clamp(low: V128, high: V128): V128 {
    return this.with(low, 0xeb).with(high, 0xea);
  }
  where(z: V128, low: V128, high: V128): V128 {
    const inside = [...low.code, ...z.code, SIMD, 0x43, ...z.code, ...high.code, SIMD, 0x43, SIMD, 0x4e];
    return new V128([...this.code, ...inside, SIMD, 0x4e]);
  }
  whereEqual(a: V128, b: V128): V128 {
    return new V128([...this.code, ...a.code, ...b.code, SIMD, 0x41, SIMD, 0x4e]);
  }
  /** this * factor + addend rounded once; needs relaxed SIMD and, to be exact about that once, a machine with FMA. */
  fusedMultiplyAdd(factor: V128, addend: V128): V128 {
    return new V128([...this.code, ...factor.code, ...addend.code, SIMD, ...unsigned(0x105)]);
  }
  /** The first two floats, or the last two, as doubles. */
  promote(half: 'low' | 'high'): V128 {
    if (half === 'low') return this.alone(0x5f);
    const upper = Array.from({ length: 16 }, (_, byte) => (byte + 8) % 16);
    return new V128([...this.code, ...this.code, SIMD, 0x0d, ...upper]).alone(0x5f);
  }
  addDoubles(other: V128): V128 {
    return this.with(other, 0xf0);
  }
  mulDoubles(other: V128): V128 {
    return this.with(other, 0xf2);
  }
  lane(index: number): F32 {
    return new F32([...this.code, SIMD, 0x1f, index]);
  }
}

/** Stores the first of two doubles. */
export const ONE_DOUBLE = { storeCode: (offset: number): number[] => [SIMD, 0x5b, ...memory(offset), 0] };

export type Value = I32 | F32 | V128;
