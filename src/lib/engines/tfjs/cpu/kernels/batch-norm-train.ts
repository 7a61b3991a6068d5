// The kernel pair of training-mode batch norm with its activation, for cpu.

import * as tf from '@tensorflow/tfjs-core';
import { BATCH_NORM, type BatchNormAttributes } from '../../own-ops';
import { batchNormBackward, batchNormForward, type BatchNormSize } from '../compute/batch-norm';
import { attributesAs } from '../../convolution-kernels';
import { type CpuKernel, type KernelContext } from './definition';

function sizeOf(context: KernelContext): BatchNormSize {
  const shape = context.input('x').shape;
  const channels = shape[shape.length - 1];
  return { rows: tf.util.sizeFromShape(shape) / channels, channels, ...attributesAs<BatchNormAttributes>(context) };
}

export const batchNormKernels: readonly CpuKernel[] = [
  {
    name: BATCH_NORM.forward,
    run: (context) => {
      const { values, input, output } = context;
      const size = sizeOf(context);
      const [y, mean, variance] = [output(input('x').shape), output([size.channels]), output([size.channels])];
      batchNormForward(size, {
        x: values('x'),
        gamma: values('gamma'),
        beta: values('beta'),
        y: y.values,
        mean: mean.values,
        variance: variance.values,
      });
      return [y.info, mean.info, variance.info];
    },
  },
  {
    name: BATCH_NORM.gradient,
    run: (context) => {
      const { values, input, output } = context;
      const size = sizeOf(context);
      const [dx, dGamma, dBeta] = [output(input('x').shape), output([size.channels]), output([size.channels])];
      batchNormBackward(size, {
        x: values('x'),
        dy: values('dy'),
        gamma: values('gamma'),
        beta: values('beta'),
        mean: values('mean'),
        variance: values('variance'),
        dx: dx.values,
        dGamma: dGamma.values,
        dBeta: dBeta.values,
      });
      return [dx.info, dGamma.info, dBeta.info];
    },
  },
];
