// Reaching tensors on the WebAssembly heap from a kernel: addresses, scratch memory, views. No arithmetic.

import { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { TrainyardError } from '$lib/core/errors';
import type { Native } from './native';

/** The backend that tfjs hands to a kernel, which its types do not name. */
export function wasmBackend(backend: unknown): BackendWasm {
  if (backend instanceof BackendWasm) return backend;
  throw new TrainyardError('wasm-backend', 'A kernel for the wasm backend was called on another one.', '', {
    badInput: false,
  });
}

/** Byte address of a tensor's first element. */
export function addressOf(backend: BackendWasm, tensor: TensorInfo): number {
  return backend.getMemoryOffset(tensor.dataId);
}

function noRoom(bytes: number): TrainyardError {
  return new TrainyardError(
    'out-of-memory',
    `The WebAssembly memory (4 GB at most) has no room for ${Math.ceil(bytes / 1e6)} MB more.`,
    'Use a smaller batch or smaller images, or compute each batch in more parts (training.accumulate).',
  );
}

/** tfjs's heap grows to this and no further: 4 GiB without the last page. */
export const CEILING = 4_294_901_760;
/** What tfjs's own code takes for lists and for packed weights. Without it that code aborts and leaves a heap of no use. */
export const RESERVE = 8 * 2 ** 20;

/** Grown as far as it goes, or nearly. */
export function isHeapFull(memory: WebAssembly.Memory): boolean {
  return memory.buffer.byteLength > 0.9 * CEILING;
}

const guarded = new WeakSet<BackendWasm>();

/**
 * Makes tfjs notice that it was given no memory: it takes the address 0 for that of the tensor and writes over whatever is there.
 * A tensor that would take the last of the memory is refused, too. Idempotent.
 */
export function guardAllocations(backend: BackendWasm, { memory, malloc, free }: Native): void {
  if (guarded.has(backend)) return;
  guarded.add(backend);
  const guardedMalloc = (bytes: number): number => {
    const address = malloc(bytes);
    if (address === 0 && bytes > 0) throw noRoom(bytes);
    if (isHeapFull(memory)) {
      const reserve = malloc(RESERVE);
      free(reserve);
      if (reserve === 0) {
        free(address);
        throw noRoom(bytes);
      }
    }
    return address;
  };
  // Emscripten puts its own function in the place again when that is called for the first time.
  Object.defineProperty(backend.wasm, '_malloc', { get: () => guardedMalloc, set: () => {} });
}

/** Runs with `bytes` of uninitialised memory, freed afterwards even when it throws. */
export function withScratch<T>({ malloc, free }: Native, bytes: number, use: (address: number) => T): T {
  const address = malloc(bytes) >>> 0;
  if (address === 0) throw noRoom(bytes);
  try {
    return use(address);
  } finally {
    free(address);
  }
}

/** A view that the next allocation may invalidate (the memory grows by moving): take it, use it, drop it. */
export function floatsAt(memory: WebAssembly.Memory, address: number, count: number): Float32Array {
  return new Float32Array(memory.buffer, address, count);
}
