// hard_swish and the gradients of hard_swish and silu for wasm: one pass over the map instead of four to eight, which took a
// fifth of a step of MobileNetV3 or EfficientNet.

import * as tf from '@tensorflow/tfjs-core';
import { HARD_SWISH, SILU } from '../../own-ops';
import { GELU } from '../../transformer-ops';
import type { SimdFunctionName } from '../simd/functions';
import type { WasmKernel } from './definition';

/** Floats that are worth waking a thread for; a multiple of the lanes. */
const GRAIN = 32_768;

/** A kernel whose output has its inputs' shape and that goes through them element by element. */
function elementwise(name: string, simd: SimdFunctionName, inputs: readonly string[]): WasmKernel {
  return {
    name,
    run: ({ native, address, input, output }) => {
      const { shape } = input(inputs[0]);
      const y = output(shape);
      const addresses = [...inputs.map((each) => address(input(each))), address(y)];
      native.split(simd, tf.util.sizeFromShape(shape), GRAIN, (first, count) => [
        ...addresses.map((start) => start + 4 * first),
        count,
      ]);
      return y;
    },
  };
}

export const activationKernels: readonly WasmKernel[] = [
  elementwise(HARD_SWISH.forward, 'hardSwish', ['x']),
  elementwise(HARD_SWISH.gradient, 'hardSwishGradient', ['x', 'dy']),
  elementwise(SILU.gradient, 'siluGradient', ['x', 's', 'dy']),
  elementwise(GELU.forward, 'gelu', ['x']),
  elementwise(GELU.gradient, 'geluGradient', ['x', 'dy']),
];
