// The kernel pair of training-mode batch norm with its activation, for wasm.

import * as tf from '@tensorflow/tfjs-core';
import { BATCH_NORM, type BatchNormAttributes } from '../../own-ops';
import { batchNormBackward, batchNormForward, type BatchNormSize } from '../compute/batch-norm';
import { attributesAs } from '../../convolution-kernels';
import { type KernelContext, type WasmKernel } from './definition';

function sizeOf(context: KernelContext): BatchNormSize {
  const shape = context.input('x').shape;
  const channels = shape[shape.length - 1];
  return { rows: tf.util.sizeFromShape(shape) / channels, channels, ...attributesAs<BatchNormAttributes>(context) };
}

export const batchNormKernels: readonly WasmKernel[] = [
  {
    name: BATCH_NORM.forward,
    run: (context) => {
      const { native, address, input, output } = context;
      const size = sizeOf(context);
      const [y, mean, variance] = [output(input('x').shape), output([size.channels]), output([size.channels])];
      batchNormForward(native, size, {
        x: address(input('x')),
        gamma: address(input('gamma')),
        beta: address(input('beta')),
        y: address(y),
        mean: address(mean),
        variance: address(variance),
      });
      return [y, mean, variance];
    },
  },
  {
    name: BATCH_NORM.gradient,
    run: (context) => {
      const { native, address, input, output } = context;
      const size = sizeOf(context);
      const [dx, dGamma, dBeta] = [output(input('x').shape), output([size.channels]), output([size.channels])];
      batchNormBackward(native, size, {
        x: address(input('x')),
        dy: address(input('dy')),
        gamma: address(input('gamma')),
        beta: address(input('beta')),
        mean: address(input('mean')),
        variance: address(input('variance')),
        dx: address(dx),
        dGamma: address(dGamma),
        dBeta: address(dBeta),
      });
      return [dx, dGamma, dBeta];
    },
  },
];
