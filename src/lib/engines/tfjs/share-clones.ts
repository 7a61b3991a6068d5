// Makes a clone on the wasm backend share its original's memory, as it does on every other backend. tfjs 4.22's copies:
// every activation that the backward pass needs would be held twice, and a step of tiny-cnn spend a twentieth of its time
// copying. Tensors never change, so that sharing is safe. To go when tfjs's own Identity counts references.

import * as tf from '@tensorflow/tfjs-core';
import { wasmBackend } from './wasm/heap';

/** Replaces the kernel; idempotent. */
export function shareWasmClones(): void {
  const kernelName = tf.Identity;
  if (tf.getKernel(kernelName, 'wasm')) tf.unregisterKernel(kernelName, 'wasm');
  tf.registerKernel({
    kernelName,
    backendName: 'wasm',
    kernelFunc: ({ inputs: { x }, backend }) => {
      if (x === undefined) throw new Error('Nothing was given to clone.');
      wasmBackend(backend).incRef(x.dataId);
      return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
    },
  });
}
