// Finds the device, starts tfjs's backend on it, and makes the engine.

import * as tf from '@tensorflow/tfjs-core';
import { TrainyardError } from '$lib/core/errors';
import type { BackendName, DeviceReport, DeviceRequest } from '../contract';
import { chooseBackend, describeWasm } from './choose-backend';
import type { DeviceSurvey } from './choose-backend';
import { HostWatch } from './device-watch';
import { TfjsEngine } from './engine';
import { GpuWatch } from './gpu-watch';
import { registerWasmTrainingKernels, startWasmThreads, stopWasmThreads } from './wasm';
import { guardAllocations, isHeapFull, wasmBackend } from './wasm/heap';
import { nativeFor } from './wasm/native';
import { registerSquareSums } from './webgpu-square-sums';
import { describeAdapter, findAdapter, gpuBackend, isSoftware, startWebGpu, stopWebGpu } from './webgpu';

/** Where the three files of tfjs's WASM backend are: their folder, or an address for each name. */
export type WasmPaths = string | Readonly<Record<string, string>>;

export interface EngineOptions {
  wasmPaths: WasmPaths;
  /** Default: one per core, at most 8; 1 where the page is not cross-origin isolated. */
  threads?: number;
}

/** A guard, not a measurement (two cores were at hand): the kernels wait for memory long before sixteen cores are busy. */
const MOST_THREADS = 8;

/**
 * The engine on the device that was asked for. One per worker: tfjs has one current backend. `auto` goes on to the next
 * best when a device is there but does not start; a device asked for by name throws `device-unavailable` instead.
 * In the page's workers use browser.ts, which knows the addresses of the WASM files.
 */
export async function createEngine(request: DeviceRequest, options: EngineOptions): Promise<TfjsEngine> {
  const adapter = await findAdapter();
  let survey: DeviceSurvey = {
    webgpu:
      'missing' in adapter ? adapter : { adapter: describeAdapter(adapter.info), software: isSoftware(adapter.info) },
    wasm: await surveyWasm(options.threads),
  };
  for (;;) {
    const choice = chooseBackend(request, survey);
    const { backend } = choice;
    try {
      const details = await start(backend, adapter, survey, options);
      await tf.ready();
      return engineOn({ engine: 'tfjs', precision: 'float32', ...choice, ...details }, options);
    } catch (error) {
      if (request !== 'auto' || backend === 'cpu') throw error;
      survey = { ...survey, [backend]: { missing: error instanceof Error ? error.message : String(error) } };
    }
  }
}

function engineOn(device: DeviceReport, options: EngineOptions): TfjsEngine {
  const full = (): boolean => device.backend === 'wasm' && isHeapFull(nativeFor(wasmBackend(tf.backend())).memory);
  const watch = device.backend === 'webgpu' ? new GpuWatch(gpuBackend()) : new HostWatch(full);
  return new TfjsEngine(device, watch, async () => {
    const { backend } = device;
    stop(backend);
    const adapter = backend === 'webgpu' ? await awaitAdapter() : await findAdapter();
    if (backend === 'webgpu' && 'missing' in adapter) {
      throw new TrainyardError('device-unavailable', adapter.missing, 'Reload the page, or choose the device "wasm".');
    }
    const survey = { webgpu: { missing: '' }, wasm: await surveyWasm(options.threads) };
    return engineOn({ ...device, ...(await start(backend, adapter, survey, options)) }, options);
  });
}

/** After a crash of its graphics process a browser needs a moment before it has an adapter again. */
async function awaitAdapter(): Promise<GPUAdapter | { missing: string }> {
  for (let tries = 1; ; tries++) {
    const adapter = await findAdapter();
    if (!('missing' in adapter) || tries === 5) return adapter;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** Frees the backend with all that it holds. */
function stop(backend: BackendName): void {
  if (backend === 'webgpu') stopWebGpu();
  if (backend === 'wasm') stopWasm();
}

function stopWasm(): void {
  stopWasmThreads();
  const factory = tf.findBackendFactory('wasm');
  tf.removeBackend('wasm');
  tf.registerBackend('wasm', factory, 2);
}

/** Makes the backend tfjs's current one and says what it runs on. */
async function start(
  backend: BackendName,
  adapter: GPUAdapter | { missing: string },
  { wasm }: DeviceSurvey,
  options: EngineOptions,
): Promise<Pick<DeviceReport, 'adapter' | 'threads' | 'simd'>> {
  if (backend === 'webgpu' && !('missing' in adapter)) {
    await startWebGpu(adapter);
    registerSquareSums();
    return { adapter: describeAdapter(adapter.info) };
  }
  if (backend === 'wasm' && !('missing' in wasm)) {
    const started = await startWasm(options.wasmPaths, wasm);
    return { adapter: describeWasm(started), ...started };
  }
  (await import('./cpu')).registerCpuTrainingKernels();
  await tf.setBackend('cpu');
  return { adapter: 'JavaScript, 1 thread' };
}

async function surveyWasm(threads?: number): Promise<DeviceSurvey['wasm']> {
  if (typeof WebAssembly === 'undefined') return { missing: 'This browser has no WebAssembly.' };
  // Registers the flags that are read below.
  await import('@tensorflow/tfjs-backend-wasm');
  const simd = Boolean(await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT'));
  // Threads need shared memory, which needs cross-origin isolation.
  const shared = simd && Boolean(await tf.env().getAsync('WASM_HAS_MULTITHREAD_SUPPORT'));
  const cores = typeof navigator === 'undefined' ? 1 : navigator.hardwareConcurrency;
  return { simd, threads: shared ? Math.max(1, Math.min(threads ?? cores, MOST_THREADS)) : 1 };
}

async function startWasm(
  paths: WasmPaths,
  { simd, threads }: { simd: boolean; threads: number },
): Promise<{ simd: boolean; threads: number }> {
  const wasm = await import('@tensorflow/tfjs-backend-wasm');
  // tf.findBackend would start one that has not been told where its files are.
  if (!('wasm' in tf.engine().registry)) {
    wasm.setWasmPaths(typeof paths === 'string' ? paths : { ...paths });
    // The threads are our kernels' own: tfjs's would spin beside them between its few calls.
    wasm.setThreadsCount(1);
  }
  registerWasmTrainingKernels();
  (await import('./share-clones')).shareWasmClones();
  if (!(await tf.setBackend('wasm'))) {
    throw new TrainyardError(
      'device-unavailable',
      'The WASM backend did not start: its files could not be loaded.',
      'Reload the page; if that does not help, choose the device "cpu".',
    );
  }
  const backend = wasmBackend(tf.backend());
  guardAllocations(backend, nativeFor(backend));
  return { simd, threads: await startWasmThreads(threads) };
}
