// The kernel pair of training-mode batch norm with its activation, for wasm.

import * as tf from '@tensorflow/tfjs-core';
import { batchNormBackward, batchNormForward, type BatchNormSize } from '../compute/batch-norm';
import type { BatchNormTrainResult, FusedActivation } from '../types';
import { attributesAs, type KernelContext, type WasmKernel } from './definition';

const BATCH_NORM = 'TrainyardBatchNorm';
const BATCH_NORM_GRADIENT = 'TrainyardBatchNormGradient';

interface BatchNormAttributes {
  epsilon: number;
  activation: FusedActivation;
}

/** Runs our op; only on the wasm backend. */
export function wasmBatchNormTrain(
  x: tf.Tensor4D,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
  epsilon: number,
  activation: FusedActivation,
): BatchNormTrainResult {
  const outputs: [tf.Tensor4D, tf.Tensor1D, tf.Tensor1D] = tf
    .engine()
    .runKernel(BATCH_NORM, { x, gamma, beta }, { epsilon, activation });
  const [y, mean, varBiased] = outputs;
  return { y, mean, varBiased };
}

function sizeOf(context: KernelContext): BatchNormSize {
  const shape = context.input('x').shape;
  const channels = shape[shape.length - 1];
  return { rows: tf.util.sizeFromShape(shape) / channels, channels, ...attributesAs<BatchNormAttributes>(context) };
}

export const batchNormKernels: readonly WasmKernel[] = [
  {
    name: BATCH_NORM,
    run: (context) => {
      const { native, address, input, output } = context;
      const size = sizeOf(context);
      const [y, mean, variance] = [output(input('x').shape), output([size.channels]), output([size.channels])];
      batchNormForward(native, size, {
        x: address(input('x')),
        gamma: address(input('gamma')),
        beta: address(input('beta')),
        y: address(y),
        mean: address(mean),
        variance: address(variance),
      });
      return [y, mean, variance];
    },
    gradient: {
      inputsToSave: ['x', 'gamma', 'beta'],
      outputsToSave: [false, true, true],
      gradFunc: (dys, [x, gamma, beta, mean, variance], attributes) => {
        if (!Array.isArray(dys)) throw new Error('Batch norm has three outputs.');
        // All three come from the same two passes: run now, not on first use, because each use is in a scope of its own
        // that would dispose the other two.
        const inputs = { x, dy: dys[0], gamma, beta, mean, variance };
        const gradients: tf.Tensor[] = tf.engine().runKernel(BATCH_NORM_GRADIENT, inputs, { ...attributes });
        return { x: () => gradients[0], gamma: () => gradients[1], beta: () => gradients[2] };
      },
    },
  },
  {
    name: BATCH_NORM_GRADIENT,
    run: (context) => {
      const { native, address, input, output } = context;
      const size = sizeOf(context);
      const [dx, dGamma, dBeta] = [output(input('x').shape), output([size.channels]), output([size.channels])];
      batchNormBackward(native, size, {
        x: address(input('x')),
        dy: address(input('dy')),
        gamma: address(input('gamma')),
        beta: address(input('beta')),
        mean: address(input('mean')),
        variance: address(input('variance')),
        dx: address(dx),
        dGamma: address(dGamma),
        dBeta: address(dBeta),
      });
      return [dx, dGamma, dBeta];
    },
  },
];
