// The SIMD functions, instantiated on the memory of tfjs's own WebAssembly module: they read and write tensors in place.

import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { TrainyardError } from '$lib/core/errors';
import { encodeModule } from './asm/module';
import { simdFunctions, type SimdFunctionName } from './simd/functions';

/** Arguments are numbers as the function's definition lists them: addresses and counts as i32, the rest f32. */
export type NativeFunctions = Readonly<Record<SimdFunctionName, (...parameters: number[]) => void>>;

export interface Native {
  readonly memory: WebAssembly.Memory;
  /** tfjs's own allocator. May grow the memory, which invalidates typed-array views of it. */
  readonly malloc: (bytes: number) => number;
  readonly free: (address: number) => void;
  readonly call: NativeFunctions;
}

/** What the modules that Emscripten made for tfjs 4.22 have; tfjs's types leave it out. */
interface Emscripten {
  _malloc: (bytes: number) => number;
  _free: (address: number) => void;
  /** The threaded build makes its memory in JavaScript and puts it here; the others export it from the module. */
  wasmMemory: unknown;
  asm: { memory?: unknown };
}

function partsOf(backend: BackendWasm): Omit<Native, 'call'> {
  const emscripten: BackendWasm['wasm'] & Partial<Emscripten> = backend.wasm;
  const { _malloc: malloc, _free: free } = emscripten;
  const memory = emscripten.wasmMemory ?? emscripten.asm?.memory;
  if (memory instanceof WebAssembly.Memory && malloc && free) return { memory, malloc, free };
  throw new TrainyardError(
    'wasm-memory',
    'The memory of the WebAssembly backend was not found: this is not a version of TensorFlow.js that was tested.',
    'Use another device: webgpu or cpu.',
    { badInput: false },
  );
}

function isShared(memory: WebAssembly.Memory): boolean {
  return typeof SharedArrayBuffer !== 'undefined' && memory.buffer instanceof SharedArrayBuffer;
}

function instantiate(memory: WebAssembly.Memory): NativeFunctions {
  const bytes = encodeModule(simdFunctions, isShared(memory));
  if (!WebAssembly.validate(bytes)) {
    throw new TrainyardError(
      'wasm-simd',
      'This browser runs WebAssembly without SIMD, which training on the wasm device needs.',
      'Update the browser, or use another device: webgpu or cpu.',
    );
  }
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  // The module exports exactly the functions of the table that it was made from.
  return instance.exports as unknown as NativeFunctions;
}

const instances = new WeakMap<BackendWasm, Native>();

/** The functions on this backend's memory, made on first use. */
export function nativeFor(backend: BackendWasm): Native {
  let native = instances.get(backend);
  if (native === undefined) {
    const parts = partsOf(backend);
    native = { ...parts, call: instantiate(parts.memory) };
    instances.set(backend, native);
  }
  return native;
}
