// The reference engine in Node.
import { fileURLToPath } from 'node:url';
import type { BackendName } from '$lib/engines/contract';
import { createEngine } from '$lib/engines/tfjs/device';
import type { TfjsEngine } from '$lib/engines/tfjs/engine';

const WASM_PATHS = fileURLToPath(new URL('.', import.meta.resolve('@tensorflow/tfjs-backend-wasm')));

/** `cpu` for small things, `wasm` for whole models. tfjs has one current backend: the last one asked for. */
export function nodeEngine(backend: BackendName): Promise<TfjsEngine> {
  return createEngine(backend, { wasmPaths: WASM_PATHS, threads: 1 });
}
