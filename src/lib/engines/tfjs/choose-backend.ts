// Decides which backend runs and says why. Pure: the survey of what the device has comes from survey.ts.

import { TrainyardError } from '$lib/core/errors';
import type { BackendName, DeviceReport, DeviceRequest } from '../contract';

/** What a look at the device found. */
export interface DeviceSurvey {
  webgpu: { adapter: string; software: boolean } | { missing: string };
  wasm: { simd: boolean; threads: number } | { missing: string };
}

export interface BackendChoice {
  backend: BackendName;
  reason: string;
  alternatives: DeviceReport['alternatives'];
}

/** Throws `device-unavailable` when a backend that was asked for by name is not there. */
export function chooseBackend(request: DeviceRequest, survey: DeviceSurvey): BackendChoice {
  const { webgpu, wasm } = survey;
  const all: DeviceReport['alternatives'] = [
    'missing' in webgpu
      ? { backend: 'webgpu', available: false, reason: webgpu.missing }
      : {
          backend: 'webgpu',
          available: true,
          reason: webgpu.software ? `${webgpu.adapter} is software: slower than WASM.` : `${webgpu.adapter}.`,
        },
    'missing' in wasm
      ? { backend: 'wasm', available: false, reason: wasm.missing }
      : { backend: 'wasm', available: true, reason: `${describeWasm(wasm)}.` },
    { backend: 'cpu', available: true, reason: 'Plain JavaScript: many times slower than WASM.' },
  ];
  const choice = (backend: BackendName, reason: string): BackendChoice => ({
    backend,
    reason,
    alternatives: all.filter((other) => other.backend !== backend),
  });

  if (request !== 'auto') {
    const wanted = all.find((one) => one.backend === request);
    if (wanted?.available) return choice(request, 'Asked for.');
    throw new TrainyardError(
      'device-unavailable',
      `The device "${request}" was asked for, but is not available: ${wanted?.reason ?? 'unknown.'}`,
      'Use "auto" to take what this machine has.',
    );
  }
  if (!('missing' in webgpu) && !webgpu.software) return choice('webgpu', 'A graphics processor is available.');
  const why = 'missing' in webgpu ? webgpu.missing : `WebGPU is only software here (${webgpu.adapter}).`;
  if (!('missing' in wasm)) return choice('wasm', why);
  return choice('cpu', `${why} ${wasm.missing}`);
}

/** '2 threads, SIMD'. */
export function describeWasm({ simd, threads }: { simd: boolean; threads: number }): string {
  return `${threads} ${threads === 1 ? 'thread' : 'threads'}, ${simd ? 'SIMD' : 'no SIMD'}`;
}
