// The engine in Node, where the WASM files lie in node_modules.

import { fileURLToPath } from 'node:url';
import type { BackendName } from '$lib/engines/contract';
import { createEngine } from '$lib/engines/tfjs/device';
import type { TfjsEngine } from '$lib/engines/tfjs/engine';

const wasmPaths = fileURLToPath(new URL('../../node_modules/@tensorflow/tfjs-backend-wasm/dist/', import.meta.url));

/** 'cpu' or 'wasm' (SIMD, one thread); Node has no WebGPU. */
export function nodeEngine(backend: BackendName): Promise<TfjsEngine> {
  return createEngine(backend, { wasmPaths });
}
