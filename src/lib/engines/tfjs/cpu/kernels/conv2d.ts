// Convolution kernels for cpu: our own op, and tfjs's, whose loops take twenty times as long.

import type * as tf from '@tensorflow/tfjs-core';
import { attributesAs, convolutionGradients } from '../../convolution-kernels';
import { convolutionShape, type ConvolutionShape } from '../../convolution-shape';
import { CONV2D, type ConvAttributes } from '../../own-ops';
import { convolve, filterGradient, inputGradient } from '../compute/convolution';
import { type CpuKernel, type KernelContext } from './definition';

function runForward({ values, output }: KernelContext, shape: ConvolutionShape): tf.TensorInfo {
  const y = output([shape.batch, ...shape.output]);
  convolve(shape, values('x'), values('filter'), y.values);
  return y.info;
}

function runInputGradient({ values, output }: KernelContext, shape: ConvolutionShape): tf.TensorInfo {
  const dx = output([shape.batch, ...shape.input]);
  inputGradient(shape, values('dy'), values('filter'), dx.values);
  return dx.info;
}

function runFilterGradient({ values, output }: KernelContext, shape: ConvolutionShape): tf.TensorInfo {
  const dFilter = output([...shape.kernel, shape.input[2] / shape.groups, shape.output[2]]);
  filterGradient(shape, values('x'), values('dy'), dFilter.values);
  return dFilter.info;
}

export const conv2dKernels: readonly CpuKernel[] = [
  {
    name: CONV2D.forward,
    run: (context) => {
      const { groups, ...geometry } = attributesAs<ConvAttributes>(context);
      const [x, filter] = [context.input('x'), context.input('filter')];
      return runForward(context, convolutionShape(x.shape, filter.shape, geometry, groups));
    },
  },
  ...convolutionGradients(runInputGradient, runFilterGradient),
];
