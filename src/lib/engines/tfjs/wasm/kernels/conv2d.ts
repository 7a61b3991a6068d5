// Convolution kernels for wasm: our own op (explicit padding, dilation, groups, all with gradients) and tfjs's two gradient
// kernels, of which its wasm backend lacks one and has the other without SIMD.

import * as tf from '@tensorflow/tfjs-core';
import { explicitPadding } from '../composed';
import {
  convolutionShape,
  convolve,
  filterGradient,
  inputGradient,
  type ConvolutionShape,
} from '../compute/convolution';
import type { ConvGeometry } from '../types';
import { attributesAs, type KernelContext, type WasmKernel } from './definition';

const CONV2D = 'TrainyardConv2d';
const INPUT_GRADIENT = 'TrainyardConv2dInputGradient';
const FILTER_GRADIENT = 'TrainyardConv2dFilterGradient';

/**
 * XNNPACK's convolution is a tenth to a fifth faster than ours on one thread, but repacks the filter at every step, slowly: at
 * 64 positions and a 3x3 filter of 512 x 512 it takes twice our time, at 1024 and 128 x 128 a tenth less.
 */
const XNNPACK_POSITIONS = 512;

interface ConvAttributes extends ConvGeometry {
  groups: number;
}
interface GradientAttributes extends ConvAttributes {
  /** Of the tensor whose gradient it is. */
  shape: number[];
}

function asAttributes({ strides, padding, dilation }: ConvGeometry, groups: number): tf.NamedAttrMap {
  return { strides: [...strides], padding: [...padding], dilation: [...dilation], groups };
}

/** Runs our op; only on the wasm backend. */
export function wasmConv2d(x: tf.Tensor4D, filter: tf.Tensor4D, geometry: ConvGeometry, groups: number): tf.Tensor4D {
  return tf.engine().runKernel(CONV2D, { x, filter }, asAttributes(geometry, groups));
}

function forward(context: KernelContext): tf.TensorInfo {
  const attributes = attributesAs<ConvAttributes>(context);
  const [x, filter] = [context.input('x'), context.input('filter')];
  const { strides, padding, dilation, groups } = attributes;
  const shape = convolutionShape(x.shape, filter.shape, attributes, groups);
  const positions = shape.batch * shape.output[0] * shape.output[1];
  if (groups === 1 && context.native.threads === 1 && positions >= XNNPACK_POSITIONS) {
    const result = tf.getKernel(tf.Conv2D, 'wasm').kernelFunc({
      inputs: { x, filter },
      backend: context.backend,
      attrs: { strides: [...strides], dilations: [...dilation], pad: explicitPadding(padding), dataFormat: 'NHWC' },
    });
    return Array.isArray(result) ? result[0] : result;
  }
  const y = context.output([shape.batch, ...shape.output]);
  convolve(context.native, shape, context.address(x), context.address(filter), context.address(y));
  return y;
}

function runInputGradient(context: KernelContext, shape: ConvolutionShape): tf.TensorInfo {
  const dx = context.output([shape.batch, ...shape.input]);
  const { native, address, input } = context;
  inputGradient(native, shape, address(input('dy')), address(input('filter')), address(dx));
  return dx;
}

function runFilterGradient(context: KernelContext, shape: ConvolutionShape): tf.TensorInfo {
  const dFilter = context.output([...shape.kernel, shape.input[2] / shape.groups, shape.output[2]]);
  const { native, address, input } = context;
  filterGradient(native, shape, address(input('x')), address(input('dy')), address(dFilter));
  return dFilter;
}

/** The geometry that one of tfjs's convolution attributes means. */
function geometryOf(
  xShape: number[],
  filterShape: number[],
  { strides, pad, dimRoundingMode, dataFormat }: Omit<tf.Conv2DBackpropFilterAttrs, 'filterShape'>,
): ConvGeometry {
  if (dataFormat !== 'NHWC') throw new Error(`The wasm backend convolves NHWC alone, not ${dataFormat}.`);
  const x: [number, number, number, number] = [xShape[0], xShape[1], xShape[2], xShape[3]];
  const filter: [number, number, number, number] = [filterShape[0], filterShape[1], filterShape[2], filterShape[3]];
  const info = tf.backend_util.computeConv2DInfo(x, filter, strides, 1, pad, dimRoundingMode);
  const { top, bottom, left, right } = info.padInfo;
  return { strides: [info.strideHeight, info.strideWidth], padding: [top, bottom, left, right], dilation: [1, 1] };
}

export const conv2dKernels: readonly WasmKernel[] = [
  {
    name: CONV2D,
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
      const { shape, groups, ...geometry } = attributesAs<GradientAttributes>(context);
      return runInputGradient(context, convolutionShape(shape, context.input('filter').shape, geometry, groups));
    },
  },
  {
    name: FILTER_GRADIENT,
    run: (context) => {
      const { shape, groups, ...geometry } = attributesAs<GradientAttributes>(context);
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
