// Statements of the run-time assembler: locals, stores, loops and branches of one WebAssembly function.

import { unsigned, vector, type Bytes } from './encoding';
import { F32, I32, V128, type Lanes, type LanesType, type Value } from './values';

export type ParameterTypes = Readonly<Record<string, 'i32' | 'f32'>>;
export type Parameters<P extends ParameterTypes> = { readonly [K in keyof P]: P[K] extends 'i32' ? I32 : F32 };

/** A function of a module: its parameters in order, and what writes its body. It returns nothing. */
export interface FunctionDefinition {
  readonly parameterTypes: readonly number[];
  readonly body: Bytes;
}

const VOID = 0x40;

export interface StoreType {
  storeCode(offset: number): number[];
}

export class FunctionBuilder {
  private readonly locals: number[] = [];
  private code: number[] = [];

  constructor(private readonly parameterCount: number) {}

  /** A new local variable that starts with the value. */
  local(value: I32): I32;
  local(value: F32): F32;
  local(value: V128): V128;
  local<L extends Lanes<L>>(value: L): L;
  local(value: Value): Value {
    const index = this.parameterCount + this.locals.length;
    const get = [0x20, ...unsigned(index)];
    this.code.push(...value.code, 0x21, ...unsigned(index));
    if (value instanceof I32) {
      this.locals.push(I32.type);
      return new I32(get, index);
    }
    if (value instanceof F32) {
      this.locals.push(F32.type);
      return new F32(get, index);
    }
    this.locals.push(V128.type);
    return new V128(get, index);
  }

  /** Assigns to a local or a parameter. */
  set<T extends { readonly code: Bytes; readonly local?: number }>(target: T, value: { readonly code: Bytes }): void {
    if (target.local === undefined) throw new Error('set() needs a local variable.');
    this.code.push(...value.code, 0x21, ...unsigned(target.local));
  }

  /** Adds to a local integer: a pointer or a counter. */
  advance(target: I32, by: I32 | number): void {
    this.set(target, target.add(by));
  }

  /** `lanes`: the type of the value, or another way to store it. */
  store<L extends { readonly code: Bytes }>(lanes: StoreType, address: I32, value: L, offset = 0): void {
    this.code.push(...address.code, ...value.code, ...lanes.storeCode(offset));
  }

  if(condition: I32, then: () => void, otherwise?: () => void): void {
    this.code.push(...condition.code, 0x04, VOID);
    then();
    if (otherwise) {
      this.code.push(0x05);
      otherwise();
    }
    this.code.push(0x0b);
  }

  /** Counts an index from `from` while it is below `to` (unsigned), by `step`. */
  for(from: I32 | number, to: I32 | number, step: I32 | number, body: (index: I32) => void): void {
    const end = typeof to === 'number' || to.local !== undefined ? to : this.local(to);
    const index = this.local(I32.of(from));
    const again = index.below(end);
    this.if(again, () => {
      this.code.push(0x03, VOID);
      body(index);
      this.advance(index, step);
      this.code.push(...again.code, 0x0d, 0, 0x0b);
    });
  }

  /** Runs the body `count` times. */
  repeat(count: I32, body: () => void): void {
    const left = this.local(count);
    this.if(left, () => {
      this.code.push(0x03, VOID);
      body();
      this.advance(left, -1);
      this.code.push(...left.code, 0x0d, 0, 0x0b);
    });
  }

  /**
   * Walks `count` floats four at a time, then the rest one by one: the body is written once for both. Receives the byte
   * offset of the element.
   */
  forLanes(count: I32, body: <L extends Lanes<L>>(lanes: LanesType<L>, byteOffset: I32) => void): void {
    const bytes = this.local(count.shiftLeft(2));
    const whole = this.local(bytes.and(-16));
    this.for(0, whole, 16, (offset) => body(V128, offset));
    this.for(whole, bytes, 4, (offset) => body(F32, offset));
  }

  /** Fills with zeros (bulk memory, present wherever SIMD is). */
  zero(address: I32, byteCount: I32): void {
    this.code.push(...address.code, 0x41, 0, ...byteCount.code, 0xfc, 11, 0);
  }

  finish(): number[] {
    const declarations = vector(this.locals.map((type) => [1, type]));
    const body = [...declarations, ...this.code, 0x0b];
    return [...unsigned(body.length), ...body];
  }
}

/** Writes one function. `types` names its parameters in call order. */
export function defineFunction<P extends ParameterTypes>(
  types: P,
  write: (f: FunctionBuilder, parameters: Parameters<P>) => void,
): FunctionDefinition {
  const names = Object.keys(types);
  const f = new FunctionBuilder(names.length);
  const entries = names.map((name, index) => {
    const get = [0x20, ...unsigned(index)];
    return [name, types[name] === 'i32' ? new I32(get, index) : new F32(get, index)] as const;
  });
  // Object.fromEntries forgets which name has which type; the map above has just given each its own.
  write(f, Object.fromEntries(entries) as Parameters<P>);
  return { parameterTypes: names.map((name) => (types[name] === 'i32' ? I32.type : F32.type)), body: f.finish() };
}
