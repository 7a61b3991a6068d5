// Where the time of a piece of work goes, by kernel. tfjs's own profiler, without what it counts twice.

import * as tf from '@tensorflow/tfjs-core';
import type { LazyScalar, StepProfile } from '../contract';
import { hasTimestamps } from './webgpu';

type Kernel = StepProfile['kernels'][number];

/**
 * Runs `work` once. With a GPU's timestamps `total` is the sum of the kernels, without the gaps between them; by the host's clock
 * it is the time that the work took, with what is no kernel: uploads, the update of parameters in ordinary memory. A GPU without
 * timestamps cannot be waited for kernel by kernel (reading back within a step ended the graphics process of Chromium's software
 * adapter): it tells the total, and of its kernels calls and bytes with 0 milliseconds.
 */
export async function profileKernels(work: () => LazyScalar): Promise<StepProfile> {
  const onGpu = tf.getBackend() === 'webgpu';
  const timestamps = onGpu && hasTimestamps();
  const started = performance.now();
  let ended = started;
  let outcome: LazyScalar | Error | null = null;
  const { kernels } = await tf.profile(() => {
    try {
      outcome = work();
    } catch (error) {
      // Kept for later: tfjs would go on profiling everything after it.
      outcome = error instanceof Error ? error : new Error(String(error));
    }
    ended = performance.now();
    // tfjs wants a result, which says nothing here.
    return [];
  });
  await settled(outcome);
  if (onGpu) ended = performance.now();
  const byName = new Map<string, Kernel>();
  for (const { name, kernelTimeMs, outputShapes } of kernels) {
    // Operations with a gradient of their own are listed beside the kernels that they are made of.
    if (tf.getKernel(name, tf.getBackend()) === undefined || typeof kernelTimeMs !== 'number') continue;
    // Of its outputs. tfjs's own count has what is kept for the backward pass in it, although that is shared.
    const written = outputShapes.reduce((sum, shape) => sum + 4 * tf.util.sizeFromShape(shape), 0);
    const { calls, milliseconds, bytes } = byName.get(name) ?? { calls: 0, milliseconds: 0, bytes: 0 };
    byName.set(name, { name, calls: calls + 1, milliseconds: milliseconds + kernelTimeMs, bytes: bytes + written });
  }
  const sorted = [...byName.values()].toSorted((a, b) => b.milliseconds - a.milliseconds);
  const total = timestamps ? sorted.reduce((sum, { milliseconds }) => sum + milliseconds, 0) : ended - started;
  return { total, source: timestamps ? 'timestamps' : 'clock', kernels: sorted };
}

/** What the device tells of the work after it. */
async function settled(outcome: LazyScalar | Error | null): Promise<void> {
  if (outcome instanceof Error) throw outcome;
  await outcome?.read();
}
