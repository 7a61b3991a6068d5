// The sizes of a convolution: ours from its geometry, and the geometry that tfjs's attributes mean. No arithmetic on values.

import * as tf from '@tensorflow/tfjs-core';
import type { ConvGeometry } from './wasm/types';

export interface ConvolutionShape extends ConvGeometry {
  batch: number;
  /** [height, width, channels]. */
  input: readonly [number, number, number];
  output: readonly [number, number, number];
  kernel: readonly [number, number];
  groups: number;
}

export function outputSize(size: number, kernel: number, stride: number, padding: number, dilation: number): number {
  return Math.floor((size + padding - (kernel - 1) * dilation - 1) / stride) + 1;
}

export function convolutionShape(
  xShape: readonly number[],
  filterShape: readonly number[],
  geometry: ConvGeometry,
  groups: number,
): ConvolutionShape {
  const [batch, height, width, channels] = xShape;
  const [kh, kw, , filters] = filterShape;
  const { strides, dilation, padding } = geometry;
  const outHeight = outputSize(height, kh, strides[0], padding[0] + padding[1], dilation[0]);
  const outWidth = outputSize(width, kw, strides[1], padding[2] + padding[3], dilation[1]);
  return {
    strides,
    dilation,
    padding,
    batch,
    input: [height, width, channels],
    output: [outHeight, outWidth, filters],
    kernel: [kh, kw],
    groups,
  };
}

/** Of a depthwise convolution, whose filter is [kh, kw, channels, multiplier]. */
export function depthwiseShape(
  xShape: readonly number[],
  filterShape: readonly number[],
  geometry: ConvGeometry,
): ConvolutionShape {
  const [kh, kw, channels, multiplier] = filterShape;
  return convolutionShape(xShape, [kh, kw, 1, channels * multiplier], geometry, channels);
}

/** True when the patches are the pixels themselves. */
export function isPointwise({ kernel, strides, padding, groups }: ConvolutionShape): boolean {
  const plain = kernel[0] === 1 && kernel[1] === 1 && strides[0] === 1 && strides[1] === 1 && groups === 1;
  return plain && padding.every((size) => size === 0);
}

/** The geometry that one of tfjs's convolution attributes means. */
export function geometryOf(
  xShape: readonly number[],
  filterShape: readonly number[],
  { strides, pad, dimRoundingMode, dataFormat }: Omit<tf.Conv2DBackpropFilterAttrs, 'filterShape'>,
): ConvGeometry {
  if (dataFormat !== 'NHWC') throw new Error(`Our kernels convolve NHWC alone, not ${dataFormat}.`);
  const info = tf.backend_util.computeConv2DInfo(four(xShape), four(filterShape), strides, 1, pad, dimRoundingMode);
  const { top, bottom, left, right } = info.padInfo;
  return { strides: [info.strideHeight, info.strideWidth], padding: [top, bottom, left, right], dilation: [1, 1] };
}

/** Likewise for a depthwise one. */
export function depthwiseGeometryOf(
  xShape: readonly number[],
  filterShape: readonly number[],
  attributes: Omit<tf.DepthwiseConv2dNativeBackpropInputAttrs, 'inputShape'>,
): ConvGeometry {
  const { strides, dilations, pad, dimRoundingMode } = attributes;
  const [x, filter] = [four(xShape), four(filterShape)];
  const info = tf.backend_util.computeConv2DInfo(x, filter, strides, dilations, pad, dimRoundingMode, true);
  const { top, bottom, left, right } = info.padInfo;
  return {
    strides: [info.strideHeight, info.strideWidth],
    padding: [top, bottom, left, right],
    dilation: [info.dilationHeight, info.dilationWidth],
  };
}

function four([a, b, c, d]: readonly number[]): [number, number, number, number] {
  return [a, b, c, d];
}
