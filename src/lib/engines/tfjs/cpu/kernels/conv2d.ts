// Convolution kernels for cpu: our own op, and tfjs's, whose loops take twenty times as long.

import * as tf from '@tensorflow/tfjs-core';
import { convolutionShape, geometryOf, type ConvolutionShape } from '../../convolution-shape';
import { CONV2D, type ConvAttributes, type GradientOf } from '../../own-ops';
import { convolve, filterGradient, inputGradient } from '../compute/convolution';
import { attributesAs, type CpuKernel, type KernelContext } from './definition';

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
  {
    name: CONV2D.input,
    run: (context) => {
      const { shape, groups, ...geometry } = attributesAs<ConvAttributes & GradientOf>(context);
      return runInputGradient(context, convolutionShape(shape, context.input('filter').shape, geometry, groups));
    },
  },
  {
    name: CONV2D.filter,
    run: (context) => {
      const { shape, groups, ...geometry } = attributesAs<ConvAttributes & GradientOf>(context);
      return runFilterGradient(context, convolutionShape(context.input('x').shape, shape, geometry, groups));
    },
  },
  {
    name: tf.Conv2DBackpropInput,
    run: (context) => {
      const { inputShape, ...attributes } = attributesAs<tf.Conv2DBackpropInputAttrs>(context);
      const filter = context.input('filter').shape;
      const geometry = geometryOf(inputShape, filter, attributes);
      return runInputGradient(context, convolutionShape(inputShape, filter, geometry, 1));
    },
  },
  {
    name: tf.Conv2DBackpropFilter,
    run: (context) => {
      const { filterShape, ...attributes } = attributesAs<tf.Conv2DBackpropFilterAttrs>(context);
      const x = context.input('x').shape;
      const geometry = geometryOf(x, filterShape, attributes);
      return runFilterGradient(context, convolutionShape(x, filterShape, geometry, 1));
    },
  },
];
