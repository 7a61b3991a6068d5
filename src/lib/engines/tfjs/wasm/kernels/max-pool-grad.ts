// MaxPoolGrad for wasm. tfjs's own is wrong: with windows of 2 x 2, or overlapping ones with stride 1, it disagrees with the
// derivative (found by <dy, pool(x)> = <dx, x>, which holds because max pooling is homogeneous).

import * as tf from '@tensorflow/tfjs-core';
import { attributesAs } from '../../convolution-kernels';
import { type WasmKernel } from './definition';

export const maxPoolGradKernel: WasmKernel = {
  name: tf.MaxPoolGrad,
  run: (context) => {
    const { native, address } = context;
    const [x, y, dy] = [context.input('input'), context.input('output'), context.input('dy')];
    const { filterSize, strides, pad, dimRoundingMode } = attributesAs<tf.MaxPoolGradAttrs>(context);
    const shape: [number, number, number, number] = [x.shape[0], x.shape[1], x.shape[2], x.shape[3]];
    const info = tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
    const dx = context.output(shape);
    const [images, height, width, channels] = shape;
    const inputBytes = height * width * channels * 4;
    const outputBytes = info.outHeight * info.outWidth * channels * 4;
    native.split('maxPoolGradient', images, 1, (first, count) => [
      address(x) + first * inputBytes,
      address(y) + first * outputBytes,
      address(dy) + first * outputBytes,
      address(dx) + first * inputBytes,
      count,
      height,
      width,
      channels,
      info.filterHeight,
      info.filterWidth,
      info.strideHeight,
      info.strideWidth,
      info.padInfo.top,
      info.padInfo.left,
      info.outHeight,
      info.outWidth,
    ]);
    return dx;
  },
};
