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

const guarded = new WeakSet<BackendWasm>();

/**
 * Makes tfjs notice that it was given no memory. It takes the address 0 for that of the tensor and writes over whatever is there.
 * Idempotent.
 */
export function guardAllocations(backend: BackendWasm): void {
  if (guarded.has(backend)) return;
  guarded.add(backend);
  const emscripten: { _malloc: (bytes: number) => number } = backend.wasm;
  const malloc = emscripten._malloc;
  emscripten._malloc = (bytes) => {
    const address = malloc(bytes);
    if (address === 0 && bytes > 0) throw noRoom(bytes);
    return address;
  };
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
