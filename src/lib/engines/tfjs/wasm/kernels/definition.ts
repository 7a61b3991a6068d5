// What a file in this folder exports, and how tfjs is told about it.

import { registerKernel, unregisterKernel, getKernel } from '@tensorflow/tfjs-core';
import type { KernelConfig, NamedAttrMap, NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { addressOf, wasmBackend } from '../heap';
import { nativeFor, type Native } from '../native';

/** What a kernel works with. */
export interface KernelContext {
  backend: BackendWasm;
  native: Native;
  /** A required input. */
  input(name: string): TensorInfo;
  /** An uninitialised float32 output. Allocates: take no view before. */
  output(shape: readonly number[]): TensorInfo;
  address(tensor: TensorInfo): number;
  attributes: NamedAttrMap;
}

export interface WasmKernel {
  name: string;
  run(context: KernelContext): TensorInfo | TensorInfo[];
  /** Runs when the backend starts: a kernel that calls the one it replaces passes that one's here. */
  setup?: KernelConfig['setupFunc'];
}

function inputOf(inputs: NamedTensorInfoMap, name: string): TensorInfo {
  const tensor = inputs[name];
  if (tensor === undefined) throw new Error(`The kernel's input ${name} is missing.`);
  return tensor;
}

/** Registers for backend 'wasm', in place of tfjs's own kernel of that name where it has one. */
export function register(kernel: WasmKernel): void {
  if (getKernel(kernel.name, 'wasm')) unregisterKernel(kernel.name, 'wasm');
  registerKernel({
    kernelName: kernel.name,
    backendName: 'wasm',
    setupFunc: kernel.setup,
    kernelFunc: ({ inputs, attrs, backend: any }) => {
      const backend = wasmBackend(any);
      return kernel.run({
        backend,
        native: nativeFor(backend),
        input: (name) => inputOf(inputs, name),
        output: (shape) => backend.makeOutput([...shape], 'float32'),
        address: (tensor) => addressOf(backend, tensor),
        attributes: attrs ?? {},
      });
    },
  });
}
