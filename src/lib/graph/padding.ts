// Where the two conventions for padding become explicit numbers.

import type { Padding, Pair } from './types';

/** One number for both axes, or [vertical, horizontal]. */
export type Size = number | Pair;

export function pair(size: Size): Pair {
  return typeof size === 'number' ? [size, size] : size;
}

/**
 * PyTorch's and timm's symmetric padding, the "same" of stride 1: ((stride - 1) + dilation * (kernel - 1)) / 2, rounded
 * down, with stride 1. Odd kernels keep the size.
 */
export function symmetricPadding(kernel: Size, dilation: Size = 1): Padding {
  const [kh, kw] = pair(kernel);
  const [dh, dw] = pair(dilation);
  const vertical = Math.floor((dh * (kh - 1)) / 2);
  const horizontal = Math.floor((dw * (kw - 1)) / 2);
  return [vertical, vertical, horizontal, horizontal];
}

/** TensorFlow's "same": the output is ceil(size / stride), and the odd pixel of padding goes to the bottom and the right. */
export function samePadding(size: Pair, kernel: Size, stride: Size = 1, dilation: Size = 1): Padding {
  const along = (length: number, k: number, s: number, d: number): Pair => {
    const total = Math.max((Math.ceil(length / s) - 1) * s + (k - 1) * d + 1 - length, 0);
    const before = Math.floor(total / 2);
    return [before, total - before];
  };
  const [kernels, strides, dilations] = [pair(kernel), pair(stride), pair(dilation)];
  const [top, bottom] = along(size[0], kernels[0], strides[0], dilations[0]);
  const [left, right] = along(size[1], kernels[1], strides[1], dilations[1]);
  return [top, bottom, left, right];
}
