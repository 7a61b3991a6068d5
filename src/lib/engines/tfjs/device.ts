// Finds the device, starts tfjs's backend on it, and makes the engine.

import * as tf from '@tensorflow/tfjs-core';
import { TrainyardError } from '$lib/core/errors';
import type { DeviceReport, DeviceRequest } from '../contract';
import { chooseBackend, describeWasm } from './choose-backend';
import type { DeviceSurvey } from './choose-backend';
import { TfjsEngine } from './engine';
import { registerWasmTrainingKernels, startWasmThreads } from './wasm';
import { describeAdapter, findAdapter, isSoftware, startWebGpu } from './webgpu';

/** Where the three files of tfjs's WASM backend are: their folder, or an address for each name. */
export type WasmPaths = string | Readonly<Record<string, string>>;

export interface EngineOptions {
  wasmPaths: WasmPaths;
  /** Default: one per core, at most 8; 1 where the page is not cross-origin isolated. */
  threads?: number;
}

/** More threads than this gained nothing on activations of image size: they wait for memory. */
const MOST_THREADS = 8;

/**
 * The engine on the device that was asked for. One per worker: tfjs has one current backend. Throws `device-unavailable`.
 * In the page's workers use browser.ts, which knows the addresses of the WASM files.
 */
export async function createEngine(request: DeviceRequest, options: EngineOptions): Promise<TfjsEngine> {
  const adapter = await findAdapter();
  const survey: DeviceSurvey = {
    webgpu:
      'missing' in adapter ? adapter : { adapter: describeAdapter(adapter.info), software: isSoftware(adapter.info) },
    wasm: await surveyWasm(options.threads),
  };
  const { backend, reason, alternatives } = chooseBackend(request, survey);
  const shared = { engine: 'tfjs', backend, reason, alternatives, precision: 'float32' } as const;
  let report: DeviceReport = { ...shared, adapter: 'JavaScript, 1 thread' };
  if (backend === 'webgpu' && !('missing' in adapter)) {
    await startWebGpu(adapter);
    report = { ...shared, adapter: describeAdapter(adapter.info) };
  } else if (backend === 'wasm' && !('missing' in survey.wasm)) {
    const started = await startWasm(options.wasmPaths, survey.wasm);
    report = { ...shared, adapter: describeWasm(started), ...started };
  } else {
    await import('@tensorflow/tfjs-backend-cpu');
    await tf.setBackend('cpu');
  }
  await tf.ready();
  return new TfjsEngine(report);
}

async function surveyWasm(threads?: number): Promise<DeviceSurvey['wasm']> {
  if (typeof WebAssembly === 'undefined') return { missing: 'This browser has no WebAssembly.' };
  // Registers the flags that are read below.
  await import('@tensorflow/tfjs-backend-wasm');
  const simd = Boolean(await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT'));
  // Threads need shared memory, which needs cross-origin isolation.
  const shared = simd && Boolean(await tf.env().getAsync('WASM_HAS_MULTITHREAD_SUPPORT'));
  const cores = (globalThis.navigator as Navigator | undefined)?.hardwareConcurrency ?? 1;
  return { simd, threads: shared ? Math.max(1, Math.min(threads ?? cores, MOST_THREADS)) : 1 };
}

async function startWasm(
  paths: WasmPaths,
  { simd, threads }: { simd: boolean; threads: number },
): Promise<{ simd: boolean; threads: number }> {
  const wasm = await import('@tensorflow/tfjs-backend-wasm');
  if (tf.findBackend('wasm') === null) {
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
  return { simd, threads: await startWasmThreads(threads) };
}
