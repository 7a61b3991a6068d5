// What a file in this folder exports, and how tfjs is told about it.

import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import { getKernel, registerKernel, unregisterKernel, util } from '@tensorflow/tfjs-core';
import type { KernelConfig, NamedAttrMap, NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs-core';

/** What a kernel works with. */
export interface KernelContext {
  /** A required input. */
  input(name: string): TensorInfo;
  /** Its float32 numbers, in place. */
  values(name: string): Float32Array;
  /** A float32 output of zeros, and its numbers. */
  output(shape: readonly number[]): { info: TensorInfo; values: Float32Array };
  attributes: NamedAttrMap;
  /** What tfjs's own kernels are called with. */
  call: Parameters<KernelConfig['kernelFunc']>[0];
}

export interface CpuKernel {
  name: string;
  run(context: KernelContext): TensorInfo | TensorInfo[];
}

function inputOf(inputs: NamedTensorInfoMap, name: string): TensorInfo {
  const tensor = inputs[name];
  if (tensor === undefined) throw new Error(`The kernel's input ${name} is missing.`);
  return tensor;
}

function cpuBackend(backend: unknown): MathBackendCPU {
  if (backend instanceof MathBackendCPU) return backend;
  throw new Error('A kernel for the cpu backend was called on another one.');
}

/** Registers for backend 'cpu', in place of tfjs's own kernel of that name where it has one. */
export function register(kernel: CpuKernel): void {
  if (getKernel(kernel.name, 'cpu')) unregisterKernel(kernel.name, 'cpu');
  registerKernel({
    kernelName: kernel.name,
    backendName: 'cpu',
    kernelFunc: (call) => {
      const { inputs, attrs } = call;
      const backend = cpuBackend(call.backend);
      return kernel.run({
        input: (name) => inputOf(inputs, name),
        values: (name) => floats(backend.readSync(inputOf(inputs, name).dataId)),
        output: (shape) => {
          const values = new Float32Array(util.sizeFromShape([...shape]));
          return { info: backend.makeTensorInfo([...shape], 'float32', values), values };
        },
        attributes: attrs ?? {},
        call,
      });
    },
  });
}

/** Some of tfjs's kernels leave plain lists behind where their result is float32 (small: a scalar, a broadcast gradient). */
function floats(values: ArrayLike<unknown>): Float32Array {
  return values instanceof Float32Array ? values : Float32Array.from(values, Number);
}
