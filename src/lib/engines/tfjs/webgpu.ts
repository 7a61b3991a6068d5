// The WebGPU adapter: found, named, told apart from software ones, and made into tfjs's backend.

import * as tf from '@tensorflow/tfjs-core';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { TrainyardError } from '$lib/core/errors';

/** Renderers that run on the CPU, by the words in their adapters' descriptions. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|software|basic render|\bwarp\b/i;

type AdapterInfo = Pick<GPUAdapterInfo, 'vendor' | 'architecture' | 'device' | 'description'> & {
  /** Newer browsers say so themselves. */
  isFallbackAdapter?: boolean;
};

export function isSoftware(info: AdapterInfo): boolean {
  const { vendor, architecture, device, description, isFallbackAdapter = false } = info;
  return isFallbackAdapter || SOFTWARE.test([vendor, architecture, device, description].join(' '));
}

/** 'nvidia ampere', 'SwiftShader (software)', as much as the browser tells. */
export function describeAdapter(info: AdapterInfo): string {
  const { vendor, architecture, device, description } = info;
  const name =
    description || [vendor, architecture, device].filter((part) => part !== '').join(' ') || 'unnamed adapter';
  return isSoftware(info) ? `${/swiftshader/i.test(name) ? 'SwiftShader' : name} (software)` : name;
}

/** The adapter, or why there is none. */
export async function findAdapter(): Promise<GPUAdapter | { missing: string }> {
  // Node has no navigator, old browsers have no gpu: both contrary to the DOM's types.
  const gpu = (globalThis.navigator as Navigator | undefined)?.gpu as GPU | undefined;
  if (gpu === undefined) return { missing: 'This browser has no WebGPU.' };
  try {
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
    return adapter ?? { missing: 'WebGPU finds no adapter on this machine.' };
  } catch (error) {
    return { missing: `WebGPU fails on this machine: ${error instanceof Error ? error.message : String(error)}` };
  }
}

const FEATURES: readonly GPUFeatureName[] = ['shader-f16', 'subgroups', 'timestamp-query'];

/** Limits worth raising: large activations, large batches, kernels that read many parameters at once. */
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupsPerDimension',
] as const satisfies readonly (keyof GPUSupportedLimits)[];

/** Those that were lost, whatever for: a backend on one of them is of no use. */
const lostDevices = new WeakSet<GPUDevice>();
const softwareDevices = new WeakSet<GPUDevice>();

export function isSoftwareDevice(device: GPUDevice): boolean {
  return softwareDevices.has(device);
}

/**
 * Makes 'webgpu' tfjs's backend on a device of our own: tfjs asks for fewer limits and features than the adapter has.
 * Throws `device-unavailable` when the adapter gives no device.
 */
export async function startWebGpu(adapter: GPUAdapter): Promise<void> {
  if ('webgpu' in tf.engine().registry && lostDevices.has(gpuBackend().device)) stopWebGpu();
  if (!('webgpu' in tf.engine().registry)) {
    const device = await requestDevice(adapter);
    void device.lost.then(() => lostDevices.add(device));
    if (isSoftware(adapter.info)) softwareDevices.add(device);
    const { WebGPUBackend } = await import('@tensorflow/tfjs-backend-webgpu');
    // The first import registered tfjs's own way of making a device.
    if (tf.findBackendFactory('webgpu') !== null) tf.removeBackend('webgpu');
    tf.registerBackend('webgpu', () => new WebGPUBackend(device, adapter.info), 3);
  }
  await tf.setBackend('webgpu');
}

/** Removes tfjs's backend and lets go of its device and of all memory there. */
export function stopWebGpu(): void {
  const { device } = gpuBackend();
  tf.removeBackend('webgpu');
  device.destroy();
}

/** tfjs's WebGPU backend, which must have been started. */
export function gpuBackend(): WebGPUBackend {
  const backend: unknown = tf.engine().registry.webgpu;
  // Its class is not at hand before its module is loaded, which is when there is an object of it.
  if (backend !== undefined) return backend as WebGPUBackend;
  throw new TrainyardError('device-unavailable', 'WebGPU has not been started.', '', { badInput: false });
}

/** Whether kernels can be timed by the GPU itself. */
export function hasTimestamps(): boolean {
  return gpuBackend().device.features.has('timestamp-query');
}

async function requestDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  try {
    return await adapter.requestDevice({
      requiredFeatures: FEATURES.filter((feature) => adapter.features.has(feature)),
      requiredLimits: Object.fromEntries(LIMITS.map((limit) => [limit, adapter.limits[limit]])),
    });
  } catch (error) {
    throw new TrainyardError(
      'device-unavailable',
      `The graphics processor gives no WebGPU device: ${error instanceof Error ? error.message : String(error)}`,
      'Close other pages that use it, update its driver, or choose the device "wasm".',
      { cause: error },
    );
  }
}
