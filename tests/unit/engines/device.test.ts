// The engine's way to a device in Node, where there is no WebGPU.

import { afterEach, expect, test, vi } from 'vitest';
import { createEngine } from '$lib/engines/tfjs/device';
import { nodeEngine } from '../../contract/node-engine';

afterEach(() => {
  vi.unstubAllGlobals();
});

/** A machine whose only adapter answers a request for a device with this. */
function stubAdapter(requestDevice: () => Promise<unknown>): void {
  const info = { vendor: 'nvidia', architecture: 'ampere', device: '', description: '' };
  const adapter = { info, features: new Set(), limits: {}, requestDevice };
  vi.stubGlobal('navigator', { hardwareConcurrency: 2, gpu: { requestAdapter: async () => adapter } });
}

test('wasm starts with SIMD and one thread, and says what else there is', async () => {
  const { device } = await nodeEngine('wasm');
  expect(device).toMatchObject({
    backend: 'wasm',
    adapter: '1 thread, SIMD',
    simd: true,
    threads: 1,
    reason: 'Asked for.',
  });
  expect(device.alternatives.map(({ backend, available }) => [backend, available])).toEqual([
    ['webgpu', false],
    ['cpu', true],
  ]);
});

test('auto goes on to wasm when the graphics processor gives no device', async () => {
  stubAdapter(() => Promise.reject(new Error('out of contexts')));
  const wasmPaths = `${import.meta.dirname}/../../../node_modules/@tensorflow/tfjs-backend-wasm/dist/`;
  const { device } = await createEngine('auto', { wasmPaths });
  expect(device.backend).toBe('wasm');
  expect(device.reason).toBe('The graphics processor gives no WebGPU device: out of contexts');
});

test('a device asked for by name is not replaced by another', async () => {
  stubAdapter(() => Promise.reject(new Error('out of contexts')));
  await expect(nodeEngine('webgpu')).rejects.toMatchObject({ code: 'device-unavailable' });
});

test('an engine refuses to work after another took its backend', async () => {
  const engine = await nodeEngine('wasm');
  await nodeEngine('cpu');
  const graph = { nodes: [], output: '', parameters: [] };
  expect(() => engine.predictor(graph, new Map())).toThrow(
    'This engine computes on wasm, but TensorFlow.js was switched to cpu.',
  );
});
