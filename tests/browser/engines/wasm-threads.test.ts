// The SIMD kernels in a real browser: on tfjs's threaded build, whose heap is shared memory, with one thread and with several.

import { expect, it } from 'vitest';
import type { ThreadsReport } from './wasm-threads.worker';

it('computes the same on shared memory with one thread and with several', async () => {
  const worker = new Worker(new URL('./wasm-threads.worker.ts', import.meta.url), { type: 'module' });
  const report = await new Promise<ThreadsReport>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<ThreadsReport | { error: string }>) => {
      if ('error' in data) reject(new Error(data.error));
      else resolve(data);
    };
    worker.onerror = (event) => reject(new Error(event.message));
  });
  worker.terminate();

  expect(report.isolated).toBe(true);
  expect(report.threads).toBe(3);
  // Float32 rounding through two batch norms; the cpu backend adds in double precision.
  expect(report.oneThread).toBeLessThan(5e-5);
  expect(report.manyThreads).toBeLessThan(5e-5);
  expect(report.unstable).toBe(0);
  expect(report.leakedTensors).toBe(0);
});
