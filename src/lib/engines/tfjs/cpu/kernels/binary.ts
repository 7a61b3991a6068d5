// Addition, subtraction, multiplication and division for cpu: tfjs's own look up the place of every single value as soon as the
// shapes differ.

import * as tf from '@tensorflow/tfjs-core';
import { eachRun, merged, stepsOf } from '../compute/walk';
import type { CpuKernel } from './definition';

/** y[to..to + count] from a and b, which move on by their step each time. */
type Run = (
  a: Float32Array,
  ai: number,
  aStep: number,
  b: Float32Array,
  bi: number,
  bStep: number,
  y: Float32Array,
  to: number,
  count: number,
) => void;

// Four loops instead of one with a function in it: a call for each value takes five times as long.
const RUNS: Record<string, Run> = {
  [tf.Add]: (a, ai, aStep, b, bi, bStep, y, to, count) => {
    for (const end = to + count; to < end; ai += aStep, bi += bStep) y[to++] = a[ai] + b[bi];
  },
  [tf.Sub]: (a, ai, aStep, b, bi, bStep, y, to, count) => {
    for (const end = to + count; to < end; ai += aStep, bi += bStep) y[to++] = a[ai] - b[bi];
  },
  [tf.Multiply]: (a, ai, aStep, b, bi, bStep, y, to, count) => {
    for (const end = to + count; to < end; ai += aStep, bi += bStep) y[to++] = a[ai] * b[bi];
  },
  [tf.RealDiv]: (a, ai, aStep, b, bi, bStep, y, to, count) => {
    for (const end = to + count; to < end; ai += aStep, bi += bStep) y[to++] = a[ai] / b[bi];
  },
};

/** Wraps tfjs's kernel, which must be registered already: it keeps the other types of numbers. */
function binaryKernel(name: string, run: Run): CpuKernel {
  const original = tf.getKernel(name, 'cpu');
  return {
    name,
    run: ({ input, values, output, call }) => {
      const [a, b] = [input('a'), input('b')];
      if (a.dtype !== 'float32' || b.dtype !== 'float32') return original.kernelFunc(call);
      const shape = tf.backend_util.assertAndGetBroadcastShape(a.shape, b.shape);
      const y = output(shape);
      const [left, right] = [values('a'), values('b')];
      const steps = [a.shape, b.shape, shape].map((one) => stepsOf(one, shape.length));
      const walk = merged({ shape, steps });
      const last = walk.shape.length - 1;
      const [aStep, bStep] = walk.steps.map((one) => one[last]);
      eachRun(walk, ([ai, bi, to]) => run(left, ai, aStep, right, bi, bStep, y.values, to, walk.shape[last]));
      return y.info;
    },
  };
}

export function binaryKernels(): CpuKernel[] {
  return Object.entries(RUNS).map(([name, run]) => binaryKernel(name, run));
}
