// Convolution with a filter gradient made of matrix products, for WebGPU. tfjs's own kernel for that gradient gives each
// filter value one thread that walks over every pixel of the batch: for a 3 x 3 layer of 64 channels at 56 x 56 and batch 32
// that is 37,000 threads of 100,000 steps without reuse. Measured on a software adapter, 1 x 1 layers: 3 to 5 times faster.

import * as tf from '@tensorflow/tfjs-core';
import type { ConvGeometry } from './wasm';

/** With fewer input channels than this, the taps of a kernel row go into one product: a product of 3 rows is all overhead. */
const NARROW = 32;

/**
 * Differentiable NHWC convolution with explicit padding, without groups and dilation; no bias.
 * x [n, h, w, in], filter [kh, kw, in, out] -> [n, oh, ow, out].
 */
export function matrixGradientConv2d(x: tf.Tensor4D, filter: tf.Tensor4D, geometry: ConvGeometry): tf.Tensor4D {
  const { strides, padding } = geometry;
  const [top, bottom, left, right] = padding;
  const pad: tf.backend_util.ExplicitPadding = [[0, 0], [top, bottom], [left, right], [0, 0]]; // prettier-ignore
  const pair: [number, number] = [strides[0], strides[1]];
  const convolve = tf.customGrad<tf.Tensor4D>((...inputs) => {
    const save = inputs.at(-1);
    // Before anything is kept: what is kept for an operation that throws is never freed.
    const value = tf.conv2d(x, filter, pair, pad);
    if (typeof save === 'function') save([x, filter]);
    return {
      value,
      gradFunc: (dy: tf.Tensor4D, [x0, filter0]: tf.Tensor[]) => [
        inputGradient(dy, filter0, x0.shape, pair, pad),
        tf.reshape(filterGradient(dy, x0, filter0.shape, geometry), filter0.shape),
      ],
    };
  });
  return convolve(x, filter);
}

/** tfjs's kernel, which is a matrix product itself. */
function inputGradient(
  dy: tf.Tensor,
  filter: tf.Tensor,
  inputShape: number[],
  strides: [number, number],
  pad: tf.backend_util.ExplicitPadding,
): tf.Tensor {
  return tf
    .engine()
    .runKernel(tf.Conv2DBackpropInput, { dy, filter }, { strides, pad, dataFormat: 'NHWC', inputShape });
}

/** [kh * kw * in, out]: for each tap, the pixels under it times the gradient of the outputs. */
function filterGradient(
  dy: tf.Tensor4D,
  x: tf.Tensor,
  filterShape: readonly number[],
  { strides, padding: [top, bottom, left, right] }: ConvGeometry,
): tf.Tensor {
  const [kh, kw, channels, filters] = filterShape;
  const [count, height, width] = dy.shape;
  const padded = top + bottom + left + right === 0 ? x : tf.pad(x, [[0, 0], [top, bottom], [left, right], [0, 0]]); // prettier-ignore
  const outputs: tf.Tensor2D = tf.reshape(dy, [count * height * width, filters]);
  const dense = strides[0] === 1 && strides[1] === 1;

  /** The pixels that a tap sees, one row for each output pixel. */
  const seenBy = (ky: number, kx: number): tf.Tensor2D => {
    if (dense && padded.shape[1] === height && padded.shape[2] === width) return tf.reshape(padded, [-1, channels]);
    const rows = dense
      ? tf.slice(padded, [0, ky, kx, 0], [count, height, width, channels])
      : tf.stridedSlice(
          padded,
          [0, ky, kx, 0],
          [count, ky + (height - 1) * strides[0] + 1, kx + (width - 1) * strides[1] + 1, channels],
          [1, strides[0], strides[1], 1],
        );
    return tf.reshape(rows, [count * height * width, channels]);
  };

  const products: tf.Tensor2D[] = [];
  for (let ky = 0; ky < kh; ky++) {
    const taps = Array.from({ length: kw }, (_, kx) => seenBy(ky, kx));
    const operands = channels < NARROW && kw > 1 ? [tf.concat2d(taps, 1)] : taps;
    for (const operand of operands) products.push(tf.matMul(operand, outputs, true));
  }
  return products.length === 1 ? products[0] : tf.concat2d(products, 0);
}
