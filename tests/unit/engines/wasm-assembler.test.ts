// The run-time assembler, tested through the machine that must understand what it writes.

import { describe, expect, it } from 'vitest';
import { encodeModule } from '$lib/engines/tfjs/wasm/asm/module';
import { defineFunction, type FunctionDefinition } from '$lib/engines/tfjs/wasm/asm/function-builder';
import { F32, I32, V128 } from '$lib/engines/tfjs/wasm/asm/values';

function load(functions: Record<string, FunctionDefinition>): {
  memory: WebAssembly.Memory;
  run: (name: string, ...p: number[]) => void;
} {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const module = new WebAssembly.Module(encodeModule(functions, false));
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return {
    memory,
    run: (name, ...parameters) => {
      const f = exports[name];
      if (typeof f !== 'function') throw new Error(name);
      f(...parameters);
    },
  };
}

/** Stores an integer expression of two parameters, then reads it as a float would be: by bits. */
function integer(expression: (a: I32, b: I32) => I32): (a: number, b: number) => number {
  const { memory, run } = load({
    f: defineFunction({ a: 'i32', b: 'i32', at: 'i32' }, (f, p) => {
      // There is no integer store: a loop of float stores counts instead, into the place that the value says.
      const value = f.local(expression(p.a, p.b));
      f.store(F32, p.at.add(value.shiftLeft(2)), F32.of(1));
    }),
  });
  return (a, b) => {
    const floats = new Float32Array(memory.buffer).fill(0);
    run('f', a, b, 0);
    return floats.indexOf(1);
  };
}

describe('the assembler', () => {
  it.each([0, 1, 63, 64, 127, 128, 8191, 8192])('encodes the constant %i', (value) => {
    expect(integer((a) => a.add(value))(0, 0)).toBe(value);
    expect(integer((a) => a.sub(-value).add(0))(0, 0)).toBe(value);
    expect(integer((a) => a.add(-value))(value + 5, 0)).toBe(5);
  });

  it('computes with unsigned integers', () => {
    expect(integer((a, b) => a.div(b))(100, 7)).toBe(14);
    expect(integer((a, b) => a.rem(b))(100, 7)).toBe(2);
    expect(integer((a, b) => a.below(b))(-1, 5)).toBe(0);
    expect(integer((a, b) => a.above(b))(-1, 5)).toBe(1);
    expect(integer((a, b) => a.orElse(b, a.equals(3)))(3, 9)).toBe(3);
    expect(integer((a, b) => a.orElse(b, a.equals(3)))(4, 9)).toBe(9);
    expect(integer((a, b) => a.or(b).and(12).shiftRight(1))(9, 6)).toBe(6);
  });

  it('loops over nothing without running the body, and over the rest of a vector one by one', () => {
    const { memory, run } = load({
      scale: defineFunction({ at: 'i32', count: 'i32', factor: 'f32' }, (f, p) => {
        f.forLanes(p.count, (lanes, offset) => {
          const address = f.local(p.at.add(offset));
          f.store(lanes, address, lanes.load(address).mul(lanes.splat(p.factor)));
        });
      }),
    });
    for (const count of [0, 1, 3, 4, 5, 8, 11]) {
      const floats = new Float32Array(memory.buffer, 0, 16).fill(1);
      run('scale', 4, count, 2.5);
      expect(Array.from(floats), `${count}`).toEqual(
        Array.from({ length: 16 }, (_, i) => (i >= 1 && i <= count ? 2.5 : 1)),
      );
    }
  });

  it('clamps and masks alike with one lane and with four, NaN included', () => {
    const { memory, run } = load({
      f: defineFunction({ z: 'i32', clamped: 'i32', masked: 'i32', count: 'i32', low: 'f32', high: 'f32' }, (f, p) => {
        f.forLanes(p.count, (lanes, at) => {
          const z = f.local(lanes.load(p.z.add(at)));
          const [low, high] = [lanes.splat(p.low), lanes.splat(p.high)];
          f.store(lanes, p.clamped.add(at), z.clamp(low, high));
          f.store(lanes, p.masked.add(at), z.where(z, low, high));
        });
      }),
    });
    const inputs = [-1, 0, 3, 6, 7, NaN, 5.5];
    const floats = new Float32Array(memory.buffer);
    floats.set(inputs);
    run('f', 0, 64, 128, inputs.length, 0, 6);
    expect(Array.from(floats.subarray(16, 23))).toEqual([0, 0, 3, 6, 6, NaN, 5.5]);
    expect(Array.from(floats.subarray(32, 39))).toEqual([0, 0, 3, 0, 0, 0, 5.5]);
  });

  it.each([
    ['abs', [-1.5, 0, 2, -3, -4], [1.5, 0, 2, 3, 4]],
    ['sqrt', [4, 2, 0.25, 9, 16], [2, Math.fround(Math.SQRT2), 0.5, 3, 4]],
    ['nearest', [0.5, 1.5, -2.6, 7.2, 2.5], [0, 2, -3, 7, 2]],
    ['powerOfTwo', [0, -1, 10, -126, 127], [1, 0.5, 1024, 2 ** -126, 2 ** 127]],
  ] as const)('has %s for one lane and for four', (operation, inputs, expected) => {
    const { memory, run } = load({
      f: defineFunction({ x: 'i32', y: 'i32', count: 'i32' }, (f, p) => {
        f.forLanes(p.count, (lanes, at) => {
          const x = lanes.load(p.x.add(at));
          f.store(lanes, p.y.add(at), x[operation]().div(lanes.splat(F32.of(4))));
        });
      }),
    });
    const floats = new Float32Array(memory.buffer);
    floats.set(inputs);
    run('f', 0, 64, inputs.length);
    expect(Array.from(floats.subarray(16, 16 + inputs.length))).toEqual(
      expected.map((value) => Math.fround(value / 4)),
    );
  });

  it('reads the lanes of a vector in memory order', () => {
    const { memory, run } = load({
      reverse: defineFunction({ from: 'i32', to: 'i32' }, (f, p) => {
        const vector = f.local(V128.load(p.from));
        for (let lane = 0; lane < 4; lane++) f.store(F32, p.to, vector.lane(lane), 12 - 4 * lane);
      }),
    });
    const floats = new Float32Array(memory.buffer);
    floats.set([1, 2, 3, 4]);
    run('reverse', 0, 16);
    expect(Array.from(floats.subarray(4, 8))).toEqual([4, 3, 2, 1]);
  });

  it('refuses to assign to what is no variable', () => {
    expect(() => defineFunction({ a: 'i32' }, (f, p) => f.set(p.a.add(1), I32.of(0)))).toThrow(
      'needs a local variable',
    );
  });
});
