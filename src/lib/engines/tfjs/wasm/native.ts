// The SIMD functions, instantiated on the memory of tfjs's own WebAssembly module: they read and write tensors in place.

import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { TrainyardError } from '$lib/core/errors';
import { encodeModule } from './asm/module';
import { simdFunctions, type SimdFunctionName } from './simd/functions';
import { startHelpers } from './threads/start';
import { CONTROL_BYTES, MAXIMUM_PIECES, TeamMember, type Functions } from './threads/team';

/** Arguments are numbers as the function's definition lists them: addresses and counts as i32, the rest f32. */
export type NativeFunctions = Readonly<Record<SimdFunctionName, (...parameters: number[]) => void>>;

export interface Native {
  readonly memory: WebAssembly.Memory;
  /** tfjs's own allocator. May grow the memory, which invalidates typed-array views of it. */
  readonly malloc: (bytes: number) => number;
  readonly free: (address: number) => void;
  readonly call: NativeFunctions;
  /** Threads that `split` uses. */
  readonly threads: number;
  /**
   * Runs a function over `count` independent items, by all threads when there is more than one `grain` of them. A piece is
   * a multiple of the grain (but for the last one); `parametersOf` says what to call the function with for it.
   */
  split(
    name: SimdFunctionName,
    count: number,
    grain: number,
    parametersOf: (first: number, count: number) => readonly number[],
  ): void;
}

/** What the modules that Emscripten made for tfjs 4.22 have; tfjs's types leave it out. */
interface Emscripten {
  _malloc: (bytes: number) => number;
  _free: (address: number) => void;
  /** The threaded build makes its memory in JavaScript and puts it here; the others export it from the module. */
  wasmMemory: unknown;
  asm: { memory?: unknown };
}

function partsOf(backend: BackendWasm): Pick<Native, 'memory' | 'malloc' | 'free'> {
  const emscripten: BackendWasm['wasm'] & Partial<Emscripten> = backend.wasm;
  const { _malloc: malloc, _free: free } = emscripten;
  const memory = emscripten.wasmMemory ?? emscripten.asm?.memory;
  if (memory instanceof WebAssembly.Memory && typeof malloc === 'function' && typeof free === 'function') {
    return { memory, malloc, free };
  }
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

function compile(shared: boolean): WebAssembly.Module {
  // Relaxed SIMD where there is any: its fused multiply-add halves the arithmetic of a matrix product. (AMD Zen gains little,
  // because it adds beside multiplying; a core that does both on the same ports has twice the rate to gain.)
  const candidates = [true, false].map((fused) => encodeModule(simdFunctions(fused), shared));
  const bytes = candidates.find((candidate) => WebAssembly.validate(candidate));
  if (bytes !== undefined) return new WebAssembly.Module(bytes);
  throw new TrainyardError(
    'wasm-simd',
    'This browser runs WebAssembly without SIMD, which training on the wasm device needs.',
    'Update the browser, or use another device: webgpu or cpu.',
  );
}

class SimdModule implements Native {
  readonly memory: WebAssembly.Memory;
  readonly malloc: (bytes: number) => number;
  readonly free: (address: number) => void;
  readonly call: NativeFunctions;
  threads = 1;
  private readonly module: WebAssembly.Module;
  private readonly names: readonly SimdFunctionName[];
  private team: TeamMember | null = null;
  private endHelpers = (): void => {};

  constructor(backend: BackendWasm) {
    ({ memory: this.memory, malloc: this.malloc, free: this.free } = partsOf(backend));
    this.module = compile(isShared(this.memory));
    const { exports } = new WebAssembly.Instance(this.module, { env: { memory: this.memory } });
    // The module exports exactly the functions of the table that it was made from.
    this.call = exports as unknown as NativeFunctions;
    this.names = Object.keys(exports) as SimdFunctionName[];
  }

  split(
    name: SimdFunctionName,
    count: number,
    grain: number,
    parametersOf: (first: number, count: number) => readonly number[],
  ): void {
    const grains = Math.ceil(count / grain);
    // More pieces than threads: one that is held up, by the page or a decoder, then leaves its share to the others.
    const pieces = this.team === null ? 1 : Math.min(grains, this.threads * 4, MAXIMUM_PIECES);
    if (pieces <= 1 || this.team === null) {
      if (count > 0) this.call[name](...parametersOf(0, count));
      return;
    }
    const bounds = Array.from({ length: pieces + 1 }, (_, i) =>
      Math.min(count, Math.floor((grains * i) / pieces) * grain),
    );
    const calls = Array.from({ length: pieces }, (_, i) => parametersOf(bounds[i], bounds[i + 1] - bounds[i]));
    this.team.run(this.names.indexOf(name), calls);
  }

  async start(threads: number): Promise<void> {
    if (this.team !== null || threads <= 1 || !isShared(this.memory)) return;
    const { memory, module, names } = this;
    const control = this.malloc(CONTROL_BYTES) >>> 0;
    new Uint8Array(memory.buffer, control, CONTROL_BYTES).fill(0);
    try {
      this.endHelpers = await startHelpers(threads - 1, { module, memory, names, control });
    } catch {
      // Slower, not wrong: training goes on with one thread, which the device report shows.
      this.free(control);
      return;
    }
    const functions: Functions = names.map((name) => this.call[name]);
    this.team = new TeamMember(memory, control, functions);
    this.threads = threads;
  }

  stop(): void {
    this.endHelpers();
    this.team = null;
    this.threads = 1;
  }
}

const instances = new WeakMap<BackendWasm, SimdModule>();

function moduleFor(backend: BackendWasm): SimdModule {
  let module = instances.get(backend);
  if (module === undefined) {
    module = new SimdModule(backend);
    instances.set(backend, module);
  }
  return module;
}

/** The functions on this backend's memory, made on first use. */
export function nativeFor(backend: BackendWasm): Native {
  return moduleFor(backend);
}

/** Makes `split` use that many threads. Does nothing where the memory is not shared. Returns how many there are then. */
export async function startThreads(backend: BackendWasm, threads: number): Promise<number> {
  const module = moduleFor(backend);
  await module.start(threads);
  return module.threads;
}

/** Ends the helpers, which hold on to the memory. */
export function stopThreads(backend: BackendWasm): void {
  instances.get(backend)?.stop();
}
