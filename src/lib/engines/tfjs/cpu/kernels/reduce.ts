// Sum and mean for cpu, in double precision. tfjs's own transpose first unless the summed axes are the last.

import * as tf from '@tensorflow/tfjs-core';
import { eachRun, merged, stepsOf } from '../compute/walk';
import { attributesAs } from '../../convolution-kernels';
import { type CpuKernel } from './definition';

/** Wraps tfjs's kernel, which must be registered already: it keeps the other types of numbers. */
function sumKernel(name: typeof tf.Sum | typeof tf.Mean): CpuKernel {
  const original = tf.getKernel(name, 'cpu');
  return {
    name,
    run: (context) => {
      const { input, values, output, call } = context;
      const x = input('x');
      if (x.dtype !== 'float32') return original.kernelFunc(call);
      const { axis, keepDims } = attributesAs<tf.SumAttrs>(context);
      const axes = tf.util.parseAxisParam(axis, x.shape);
      const kept = x.shape.map((length, at) => (axes.includes(at) ? 1 : length));
      const sums = new Float64Array(tf.util.sizeFromShape(kept));
      const walk = merged({ shape: x.shape, steps: [stepsOf(x.shape, x.shape.length), stepsOf(kept, x.shape.length)] });
      const last = walk.shape.length - 1;
      const [count, step] = [walk.shape[last], walk.steps[1][last]];
      const from = values('x');
      eachRun(walk, ([at, to]) => {
        if (step === 0) {
          let sum = 0;
          for (const end = at + count; at < end; at++) sum += from[at];
          sums[to] += sum;
        } else {
          for (const end = at + count; at < end; at++, to += step) sums[to] += from[at];
        }
      });
      const y = output(keepDims ? kept : x.shape.filter((_, at) => !axes.includes(at)));
      const factor = name === tf.Mean ? 1 / tf.util.sizeFromShape(axes.map((one) => x.shape[one])) : 1;
      for (let at = 0; at < sums.length; at++) y.values[at] = sums[at] * factor;
      return y.info;
    },
  };
}

export function reduceKernels(): CpuKernel[] {
  return [sumKernel(tf.Sum), sumKernel(tf.Mean)];
}
