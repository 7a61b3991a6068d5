// Depthwise convolution kernels for wasm: our own op (explicit padding and dilation, with gradients) and tfjs's two gradient
// kernels, which its wasm backend lacks.

import * as tf from '@tensorflow/tfjs-core';
import { explicitPadding } from '../composed';
import { convolutionShape, type ConvolutionShape } from '../compute/convolution';
import { depthwiseFilterGradient, depthwiseForward, depthwiseInputGradient } from '../compute/depthwise';
import type { ConvGeometry } from '../types';
import { attributesAs, type KernelContext, type WasmKernel } from './definition';

const DEPTHWISE = 'TrainyardDepthwiseConv2d';
const INPUT_GRADIENT = 'TrainyardDepthwiseConv2dInputGradient';
const FILTER_GRADIENT = 'TrainyardDepthwiseConv2dFilterGradient';

interface GradientAttributes extends ConvGeometry {
  shape: number[];
}

/** Runs our op; only on the wasm backend. */
export function wasmDepthwiseConv2d(x: tf.Tensor4D, filter: tf.Tensor4D, geometry: ConvGeometry): tf.Tensor4D {
  const { strides, padding, dilation } = geometry;
  const attributes = { strides: [...strides], padding: [...padding], dilation: [...dilation] };
  return tf.engine().runKernel(DEPTHWISE, { x, filter }, attributes);
}

function shapeOf(xShape: readonly number[], filterShape: readonly number[], geometry: ConvGeometry): ConvolutionShape {
  const [kh, kw, channels, multiplier] = filterShape;
  return convolutionShape(xShape, [kh, kw, 1, channels * multiplier], geometry, channels);
}

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
  const shape = shapeOf(x.shape, filter.shape, geometry);
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

/** The geometry that tfjs's attributes mean. */
function geometryOf(
  xShape: number[],
  filterShape: number[],
  attributes: Omit<tf.DepthwiseConv2dNativeBackpropInputAttrs, 'inputShape'>,
): ConvGeometry {
  const { strides, dilations, pad, dimRoundingMode } = attributes;
  const x: [number, number, number, number] = [xShape[0], xShape[1], xShape[2], xShape[3]];
  const filter: [number, number, number, number] = [filterShape[0], filterShape[1], filterShape[2], filterShape[3]];
  const info = tf.backend_util.computeConv2DInfo(x, filter, strides, dilations, pad, dimRoundingMode, true);
  const { top, bottom, left, right } = info.padInfo;
  return {
    strides: [info.strideHeight, info.strideWidth],
    padding: [top, bottom, left, right],
    dilation: [info.dilationHeight, info.dilationWidth],
  };
}

export const depthwiseConv2dKernels: readonly WasmKernel[] = [
  {
    name: DEPTHWISE,
    run: forward,
    gradient: {
      inputsToSave: ['x', 'filter'],
      gradFunc: (dy, [x, filter], attributes) => {
        if (Array.isArray(dy)) throw new Error('A convolution has one output.');
        const run = (name: string, inputs: tf.NamedTensorMap, shape: number[]): tf.Tensor =>
          tf.engine().runKernel(name, inputs, { ...attributes, shape });
        return {
          x: () => run(INPUT_GRADIENT, { dy, filter }, x.shape),
          filter: () => run(FILTER_GRADIENT, { x, dy }, filter.shape),
        };
      },
    },
  },
  {
    name: INPUT_GRADIENT,
    run: (context) => {
      const { shape, ...geometry } = attributesAs<GradientAttributes>(context);
      return runInputGradient(context, shapeOf(shape, context.input('filter').shape, geometry));
    },
  },
  {
    name: FILTER_GRADIENT,
    run: (context) => {
      const { shape, ...geometry } = attributesAs<GradientAttributes>(context);
      return runFilterGradient(context, shapeOf(context.input('x').shape, shape, geometry), shape);
    },
  },
  {
    name: tf.DepthwiseConv2dNativeBackpropInput,
    run: (context) => {
      const { inputShape, ...attributes } = attributesAs<tf.DepthwiseConv2dNativeBackpropInputAttrs>(context);
      const filter = context.input('filter').shape;
      return runInputGradient(context, shapeOf(inputShape, filter, geometryOf(inputShape, filter, attributes)));
    },
  },
  {
    name: tf.DepthwiseConv2dNativeBackpropFilter,
    run: (context) => {
      const { filterShape, ...attributes } = attributesAs<tf.DepthwiseConv2dNativeBackpropFilterAttrs>(context);
      const x = context.input('x').shape;
      return runFilterGradient(context, shapeOf(x, filterShape, geometryOf(x, filterShape, attributes)), filterShape);
    },
  },
];
