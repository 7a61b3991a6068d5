// Convolution kernels for wasm: our own op (explicit padding, dilation, groups, all with gradients) and tfjs's two gradient
// kernels, of which its wasm backend lacks one and has the other without SIMD.

import * as tf from '@tensorflow/tfjs-core';
import { explicitPadding } from '../composed';
import { attributesAs, convolutionGradients } from '../../convolution-kernels';
import { convolutionShape, type ConvolutionShape } from '../../convolution-shape';
import { CONV2D, type ConvAttributes } from '../../own-ops';
import { convolve, filterGradient, inputGradient } from '../compute/convolution';
import { type KernelContext, type WasmKernel } from './definition';

/**
 * XNNPACK's convolution is a tenth to a fifth faster than ours on one thread, but repacks the filter at every step, slowly: at
 * 64 positions and a 3x3 filter of 512 x 512 it takes twice our time, at 1024 and 128 x 128 a tenth less.
 */
const XNNPACK_POSITIONS = 512;

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

export const conv2dKernels: readonly WasmKernel[] = [
  { name: CONV2D.forward, run: forward },
  ...convolutionGradients(runInputGradient, runFilterGradient),
];
