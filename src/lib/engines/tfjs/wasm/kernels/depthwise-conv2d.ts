// Depthwise convolution kernels for wasm: our own op (explicit padding and dilation, with gradients) and tfjs's two gradient
// kernels, which its wasm backend lacks.

import * as tf from '@tensorflow/tfjs-core';
import { explicitPadding } from '../composed';
import { depthwiseGeometryOf, depthwiseShape, type ConvolutionShape } from '../../convolution-shape';
import { DEPTHWISE, type GradientOf } from '../../own-ops';
import { depthwiseFilterGradient, depthwiseForward, depthwiseInputGradient } from '../compute/depthwise';
import type { ConvGeometry } from '../types';
import { attributesAs } from '../../convolution-kernels';
import { type KernelContext, type WasmKernel } from './definition';

function forward(context: KernelContext): tf.TensorInfo | tf.TensorInfo[] {
  const geometry = attributesAs<ConvGeometry>(context);
  const [x, filter] = [context.input('x'), context.input('filter')];
  if (context.native.threads === 1 || filter.shape[3] > 1) {
    const { strides, padding, dilation } = geometry;
    return tf.getKernel(tf.DepthwiseConv2dNative, 'wasm').kernelFunc({
      inputs: { x, filter },
      backend: context.backend,
      attrs: { strides: [...strides], dilations: [...dilation], pad: explicitPadding(padding) },
    });
  }
  const shape = depthwiseShape(x.shape, filter.shape, geometry);
  const y = context.output([shape.batch, ...shape.output]);
  depthwiseForward(context.native, shape, context.address(x), context.address(filter), context.address(y));
  return y;
}

function runInputGradient(context: KernelContext, shape: ConvolutionShape): tf.TensorInfo {
  const dx = context.output([shape.batch, ...shape.input]);
  const { native, address, input } = context;
  depthwiseInputGradient(native, shape, address(input('dy')), address(input('filter')), address(dx));
  return dx;
}

function runFilterGradient(context: KernelContext, shape: ConvolutionShape, filterShape: number[]): tf.TensorInfo {
  const dFilter = context.output(filterShape);
  const { native, address, input } = context;
  depthwiseFilterGradient(native, shape, address(input('x')), address(input('dy')), address(dFilter));
  return dFilter;
}

export const depthwiseConv2dKernels: readonly WasmKernel[] = [
  { name: DEPTHWISE.forward, run: forward },
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
      return runInputGradient(
        context,
        depthwiseShape(inputShape, filter, depthwiseGeometryOf(inputShape, filter, attributes)),
      );
    },
  },
  {
    name: tf.DepthwiseConv2dNativeBackpropFilter,
    run: (context) => {
      const { filterShape, ...attributes } = attributesAs<tf.DepthwiseConv2dNativeBackpropFilterAttrs>(context);
      const x = context.input('x').shape;
      return runFilterGradient(
        context,
        depthwiseShape(x, filterShape, depthwiseGeometryOf(x, filterShape, attributes)),
        filterShape,
      );
    },
  },
];
