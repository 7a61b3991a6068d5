// Depthwise convolution kernels for cpu: our own op, and tfjs's two gradient kernels.

import * as tf from '@tensorflow/tfjs-core';
import { depthwiseGeometryOf, depthwiseShape, type ConvolutionShape } from '../../convolution-shape';
import { DEPTHWISE, type GradientOf } from '../../own-ops';
import type { ConvGeometry } from '../../wasm/types';
import { depthwiseFilterGradient, depthwiseForward, depthwiseInputGradient } from '../compute/depthwise';
import { attributesAs } from '../../convolution-kernels';
import { type CpuKernel, type KernelContext } from './definition';

function runInputGradient({ values, output }: KernelContext, shape: ConvolutionShape): tf.TensorInfo {
  const dx = output([shape.batch, ...shape.input]);
  depthwiseInputGradient(shape, values('dy'), values('filter'), dx.values);
  return dx.info;
}

function runFilterGradient(
  { values, output }: KernelContext,
  shape: ConvolutionShape,
  filterShape: readonly number[],
): tf.TensorInfo {
  const dFilter = output(filterShape);
  depthwiseFilterGradient(shape, values('x'), values('dy'), dFilter.values);
  return dFilter.info;
}

export const depthwiseConv2dKernels: readonly CpuKernel[] = [
  {
    name: DEPTHWISE.forward,
    run: (context) => {
      const geometry = attributesAs<ConvGeometry>(context);
      const shape = depthwiseShape(context.input('x').shape, context.input('filter').shape, geometry);
      const y = context.output([shape.batch, ...shape.output]);
      depthwiseForward(shape, context.values('x'), context.values('filter'), y.values);
      return y.info;
    },
  },
  {
    name: DEPTHWISE.input,
    run: (context) => {
      const { shape, ...geometry } = attributesAs<ConvGeometry & GradientOf>(context);
      return runInputGradient(context, depthwiseShape(shape, context.input('filter').shape, geometry));
    },
  },
  {
    name: DEPTHWISE.filter,
    run: (context) => {
      const { shape, ...geometry } = attributesAs<ConvGeometry & GradientOf>(context);
      return runFilterGradient(context, depthwiseShape(context.input('x').shape, shape, geometry), shape);
    },
  },
  {
    name: tf.DepthwiseConv2dNativeBackpropInput,
    run: (context) => {
      const { inputShape, ...attributes } = attributesAs<tf.DepthwiseConv2dNativeBackpropInputAttrs>(context);
      const filter = context.input('filter').shape;
      const geometry = depthwiseGeometryOf(inputShape, filter, attributes);
      return runInputGradient(context, depthwiseShape(inputShape, filter, geometry));
    },
  },
  {
    name: tf.DepthwiseConv2dNativeBackpropFilter,
    run: (context) => {
      const { filterShape, ...attributes } = attributesAs<tf.DepthwiseConv2dNativeBackpropFilterAttrs>(context);
      const x = context.input('x').shape;
      const geometry = depthwiseGeometryOf(x, filterShape, attributes);
      return runFilterGradient(context, depthwiseShape(x, filterShape, geometry), filterShape);
    },
  },
];
