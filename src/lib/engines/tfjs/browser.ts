// The engine with the WASM files' addresses as Vite serves and bundles them. Not for Node, which has no `?url` imports.

import plain from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url';
import simd from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import threaded from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url';
import type { DeviceRequest } from '../contract';
import { createEngine } from './device';
import type { TfjsEngine } from './engine';

export const wasmPaths: Readonly<Record<string, string>> = {
  'tfjs-backend-wasm.wasm': plain,
  'tfjs-backend-wasm-simd.wasm': simd,
  'tfjs-backend-wasm-threaded-simd.wasm': threaded,
};

/** See createEngine. */
export function createBrowserEngine(request: DeviceRequest): Promise<TfjsEngine> {
  return createEngine(request, { wasmPaths });
}
