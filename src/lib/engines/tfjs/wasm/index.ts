// Training on the wasm backend: the gradient kernels that tfjs lacks, and the fast operations that the engine builds on.
// Every function works on every backend; on wasm it runs hand-written SIMD, on cpu plain JavaScript where ../cpu is registered,
// elsewhere tfjs's public ops.

import type { Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';
import { backend, getBackend, getKernel } from '@tensorflow/tfjs-core';
import {
  CONV2D,
  HARD_SWISH,
  registerOwnGradients,
  runBatchNormTrain,
  runConv2d,
  runDepthwiseConv2d,
  runHardSwish,
  runSilu,
  SILU,
} from '../own-ops';
import { GELU, LAYER_NORM, registerTransformerGradients, runGelu, runLayerNorm } from '../transformer-ops';
import {
  composedBatchNormTrain,
  composedConv2d,
  composedDepthwiseConv2d,
  composedGelu,
  composedHardSwish,
  composedLayerNorm,
  composedSilu,
} from './composed';
import { wasmBackend } from './heap';
import { activationKernels } from './kernels/activations';
import { batchNormKernels } from './kernels/batch-norm-train';
import { conv2dKernels } from './kernels/conv2d';
import { register } from './kernels/definition';
import { depthwiseConv2dKernels } from './kernels/depthwise-conv2d';
import { layerNormKernels } from './kernels/layer-norm';
import { matMulKernel } from './kernels/mat-mul';
import { maxPoolGradKernel } from './kernels/max-pool-grad';
import { unsortedSegmentSumKernel } from './kernels/unsorted-segment-sum';
import { startThreads, stopThreads } from './native';
import type { BatchNormTrainResult, ConvGeometry, FusedActivation } from './types';

export type { BatchNormTrainResult, ConvGeometry, FusedActivation } from './types';

/**
 * Registers, for backend 'wasm', the kernels that gradients need and tfjs 4.22 lacks, and faster ones for those that it
 * has but computes without SIMD. Idempotent; call once before the first gradient (before or after tf.setBackend).
 */
export function registerWasmTrainingKernels(): void {
  if (getKernel(batchNormKernels[0].name, 'wasm')) return;
  const kernels = [
    ...conv2dKernels,
    ...depthwiseConv2dKernels,
    ...batchNormKernels,
    ...activationKernels,
    ...layerNormKernels,
    unsortedSegmentSumKernel,
    maxPoolGradKernel,
    matMulKernel(),
  ];
  for (const kernel of kernels) register(kernel);
  registerOwnGradients();
  registerTransformerGradients();
}

/**
 * Lets our wasm kernels use up to `threads` threads (the caller's and helper workers), once per backend. They need tfjs's
 * threaded build, that is a cross-origin isolated page; elsewhere this does nothing. Resolves to the number in use: 1 where helpers cannot start.
 * Call in a worker, after tf.setBackend('wasm'). Leave tfjs's own setThreadsCount at 1: its idle threads spin.
 */
export async function startWasmThreads(threads: number): Promise<number> {
  return startThreads(wasmBackend(backend()), threads);
}

/** Ends what {@link startWasmThreads} started, before the backend goes. */
export function stopWasmThreads(): void {
  stopThreads(wasmBackend(backend()));
}

/** True when kernels of ours are what runs. */
function hasOwnKernels(kernel: string = CONV2D.forward): boolean {
  const name = getBackend();
  if (name === 'wasm') registerWasmTrainingKernels();
  return getKernel(kernel, name) !== undefined;
}

/**
 * Differentiable NHWC convolution with explicit padding, dilation and groups; no bias.
 * x [n, h, w, in], filter [kh, kw, in / groups, out] -> [n, oh, ow, out].
 * Faster than tf.conv2d on wasm, and its gradients exist for dilation > 1, which tfjs refuses.
 */
export function conv2d(x: Tensor4D, filter: Tensor4D, geometry: ConvGeometry, groups = 1): Tensor4D {
  if (hasOwnKernels()) return runConv2d(x, filter, geometry, groups);
  return composedConv2d(x, filter, geometry, groups);
}

/** Differentiable depthwise convolution. x [n, h, w, c], filter [kh, kw, c, multiplier] -> [n, oh, ow, c * multiplier]. */
export function depthwiseConv2d(x: Tensor4D, filter: Tensor4D, geometry: ConvGeometry): Tensor4D {
  if (hasOwnKernels()) return runDepthwiseConv2d(x, filter, geometry);
  return composedDepthwiseConv2d(x, filter, geometry);
}

/**
 * Batch normalisation with the batch's own statistics, optionally with the activation that follows it, differentiable in
 * x, gamma and beta. x [n, h, w, c]; gamma, beta [c]. Reshape [n, c] inputs to [n, 1, 1, c].
 */
export function batchNormTrain(
  x: Tensor4D,
  gamma: Tensor1D,
  beta: Tensor1D,
  epsilon: number,
  activation: FusedActivation = 'none',
): BatchNormTrainResult {
  if (hasOwnKernels()) return runBatchNormTrain(x, gamma, beta, epsilon, activation);
  return composedBatchNormTrain(x, gamma, beta, epsilon, activation);
}

/** x * relu6(x + 3) / 6, differentiable (Howard et al. 2019). */
export function hardSwish(x: Tensor): Tensor {
  return hasOwnKernels(HARD_SWISH.forward) ? runHardSwish(x) : composedHardSwish(x);
}

/** x * sigmoid(x), differentiable. */
export function silu(x: Tensor): Tensor {
  return hasOwnKernels(SILU.gradient) ? runSilu(x) : composedSilu(x);
}

/** x times the normal distribution function at x (Hendrycks and Gimpel 2016), differentiable. */
export function gelu(x: Tensor): Tensor {
  return hasOwnKernels(GELU.forward) ? runGelu(x) : composedGelu(x);
}

/** Layer normalisation over the last axis of x (Ba et al. 2016), differentiable; gamma, beta [channels]. */
export function layerNorm(x: Tensor, gamma: Tensor, beta: Tensor, epsilon: number): Tensor {
  if (hasOwnKernels(LAYER_NORM.forward)) return runLayerNorm(x, gamma, beta, epsilon);
  return composedLayerNorm(x, gamma, beta, epsilon);
}
