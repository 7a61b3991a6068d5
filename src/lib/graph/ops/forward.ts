// What a tfjs forward function of an operation is given and must return. Types only.

import type { Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';
import type { RandomStream } from '$lib/core/random';
import type { BatchNormTrainResult, ConvGeometry, FusedActivation } from '$lib/engines/tfjs/wasm/types';
import type { NodeOf, OpName } from '../types';

/** What the engine brings in its fastest form: see engines/tfjs/kernels.ts. Bias and activation are part of the pass. */
export interface Kernels {
  conv2d(
    x: Tensor4D,
    filter: Tensor4D,
    geometry: ConvGeometry,
    groups: number,
    bias: Tensor1D | null,
    activation: FusedActivation,
  ): Tensor4D;
  depthwiseConv2d(
    x: Tensor4D,
    filter: Tensor4D,
    geometry: ConvGeometry,
    bias: Tensor1D | null,
    activation: FusedActivation,
  ): Tensor4D;
  batchNormTrain(
    x: Tensor4D,
    gamma: Tensor1D,
    beta: Tensor1D,
    epsilon: number,
    activation: FusedActivation,
  ): BatchNormTrainResult;
  hardSwish(x: Tensor): Tensor;
  silu(x: Tensor): Tensor;
  gelu(x: Tensor): Tensor;
  /** Over the last axis; gamma, beta [channels]. */
  layerNorm(x: Tensor, gamma: Tensor, beta: Tensor, epsilon: number): Tensor;
}

/** One pass through a graph: who asks, with which weights. */
export interface ForwardContext {
  readonly kernels: Kernels;
  /** Dropout and stochastic depth act. */
  readonly training: boolean;
  /** The values of one of the node's parameters; undefined for a role that the node does not have. */
  parameter(node: NodeOf<OpName>, role: string): Tensor | undefined;
  /** Whether this batch norm uses the batch's own statistics (training, and not frozen). */
  usesBatchStatistics(node: NodeOf<'batch_norm'>): boolean;
  /** Takes the statistics that a batch norm saw: mean, biased variance, and the number of values behind each. */
  reportStatistics(node: NodeOf<'batch_norm'>, mean: Tensor1D, varBiased: Tensor1D, count: number): void;
  /** The activation to apply in the same pass, when the only reader of the node's output is one. */
  fusedActivation(node: NodeOf<'batch_norm' | 'conv2d' | 'depthwise_conv2d'>): FusedActivation;
  /** The node's random numbers of this step. */
  random(node: NodeOf<OpName>): RandomStream;
}

/**
 * Computes a node on tensors with a leading batch axis. Pure but for `reportStatistics`; every intermediate tensor is the
 * caller's tidy's to free. A `parameter` has batch axis 1.
 */
export type Forward<Op extends OpName> = (
  node: NodeOf<Op>,
  inputs: readonly Tensor[],
  context: ForwardContext,
) => Tensor;
