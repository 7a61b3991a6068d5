// What every other browser test takes for granted: isolation, WebGPU, and the WASM files served from our own origin.
import { expect, test } from 'vitest';
import simd from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import threaded from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url';
import plain from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url';

test('the page is cross-origin isolated', () => {
  expect(crossOriginIsolated).toBe(true);
});

test('there is a WebGPU adapter', async () => {
  expect(await navigator.gpu.requestAdapter()).not.toBeNull();
});

test('the TensorFlow.js WASM backend starts its threaded build from local files', async () => {
  const tf = await import('@tensorflow/tfjs-core');
  const wasm = await import('@tensorflow/tfjs-backend-wasm');
  wasm.setWasmPaths({
    'tfjs-backend-wasm.wasm': plain,
    'tfjs-backend-wasm-simd.wasm': simd,
    'tfjs-backend-wasm-threaded-simd.wasm': threaded,
  });
  expect(await tf.setBackend('wasm')).toBe(true);
  // Only an isolated page gets the threaded file. (Its getThreadsCount() says 1 whatever is asked for, so it proves nothing.)
  const loaded = performance.getEntriesByType('resource').map((entry) => entry.name);
  expect(loaded.some((name) => name.endsWith('threaded-simd.wasm'))).toBe(true);
  const product = tf.tidy(() => tf.matMul([[1, 2]], [[3], [4]]));
  expect(await product.data()).toEqual(new Float32Array([11]));
  product.dispose();
});

test('ONNX Runtime finds its WASM on our own origin', async () => {
  const ort = await import('onnxruntime-web/wasm');
  const tensor = new ort.Tensor('float32', new Float32Array([1, 2]), [2]);
  expect(tensor.dims).toEqual([2]);
  // Not a model, so it must fail for that reason, which it can only know once its WASM runs.
  await expect(ort.InferenceSession.create(new Uint8Array([1, 2, 3]))).rejects.toThrow(/protobuf|parse|model/i);
});
