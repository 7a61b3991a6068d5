// Times one training step of tiny-cnn (32 x 32, batch 64) on the wasm backend, and where the time goes.
// Run: npx vitest run --config tests/bench/wasm-step.config.ts

import '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { test } from 'vitest';
import { registerWasmTrainingKernels } from '$lib/engines/tfjs/wasm';
import { makeStep } from './tiny-cnn-step';

const REPEATS = 15;

/** Total milliseconds by kernel name of one call. Kernels on wasm are synchronous. */
function profile(f: () => void): Map<string, number> {
  const totals = new Map<string, number>();
  const engine = tf.engine();
  const original = engine.runKernel.bind(engine);
  let depth = 0;
  engine.runKernel = <T extends tf.Tensor | tf.Tensor[]>(
    name: string,
    inputs: tf.NamedTensorMap,
    attributes?: tf.NamedAttrMap,
  ): T => {
    const start = performance.now();
    depth++;
    const result = original<T>(name, inputs, attributes);
    depth--;
    if (depth === 0) totals.set(name, (totals.get(name) ?? 0) + performance.now() - start);
    return result;
  };
  f();
  engine.runKernel = original;
  return totals;
}

test('one training step of tiny-cnn', async () => {
  registerWasmTrainingKernels();
  await tf.setBackend('wasm');
  const { loss, step } = makeStep();
  step();
  const times: number[] = [];
  const processorTimes: number[] = [];
  const forwardTimes: number[] = [];
  for (let i = 0; i < REPEATS; i++) {
    const start = performance.now();
    const processor = process.cpuUsage();
    step();
    times.push(performance.now() - start);
    processorTimes.push(process.cpuUsage(processor).user / 1000);
    const middle = performance.now();
    loss().dispose();
    forwardTimes.push(performance.now() - middle);
  }
  const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
  const rows = [...profile(step)].sort((a, b) => b[1] - a[1]).filter(([, ms]) => ms > 0.3);
  console.log(
    [
      `step ${median(times).toFixed(1)} ms (least ${Math.min(...times).toFixed(1)}), forward alone ${median(forwardTimes).toFixed(1)} ms`,
      // On a machine that others use too, the processor's time says more than the clock's.
      `processor time of a step ${median(processorTimes).toFixed(1)} ms`,
      ...rows.map(([name, ms]) => `${ms.toFixed(1).padStart(7)} ms  ${name}`),
    ].join('\n'),
  );
});
