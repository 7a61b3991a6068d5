// Small steps that several forward functions share.

import * as tf from '@tensorflow/tfjs-core';
import { TrainyardError } from '$lib/core/errors';
import type { FusedActivation } from '$lib/engines/tfjs/wasm/types';
import type { ForwardContext } from '../forward';
import type { NodeOf, OpName, Padding } from '../../types';

function isRank4(x: tf.Tensor): x is tf.Tensor4D {
  return x.rank === 4;
}

function isRank1(x: tf.Tensor): x is tf.Tensor1D {
  return x.rank === 1;
}

/** The same tensor, known to be [batch, height, width, channels] or [kh, kw, in, out]; shape rules see to it. */
export function rank4(x: tf.Tensor, node: NodeOf<OpName>): tf.Tensor4D {
  if (!isRank4(x)) throw internal(node, `needs 4 axes, found ${x.rank}`);
  return x;
}

/** The same tensor, known to be one value per channel. */
export function rank1(x: tf.Tensor, node: NodeOf<OpName>): tf.Tensor1D {
  if (!isRank1(x)) throw internal(node, `needs 1 axis, found ${x.rank}`);
  return x;
}

/** A parameter that the operation cannot do without. */
export function required(context: ForwardContext, node: NodeOf<OpName>, role: string): tf.Tensor {
  const value = context.parameter(node, role);
  if (value === undefined) throw internal(node, `has no parameter "${role}"`);
  return value;
}

/** All inputs with the batch axis of the largest: a learned tensor has batch axis 1 and joins every sample. */
export function withFullBatch(inputs: readonly tf.Tensor[]): tf.Tensor[] {
  const count = Math.max(...inputs.map((x) => x.shape[0]));
  return inputs.map((x) => (x.shape[0] === count ? x : tf.tile(x, [count, ...x.shape.slice(1).map(() => 1)])));
}

/** Adds the node's bias over the last axis when it has one. */
export function withBias<T extends tf.Tensor>(y: T, context: ForwardContext, node: NodeOf<OpName>): T {
  const bias = context.parameter(node, 'bias');
  return bias === undefined ? y : tf.add<T>(y, bias);
}

/** The node's bias, when it has one. */
export function biasOf(context: ForwardContext, node: NodeOf<OpName>): tf.Tensor1D | null {
  const bias = context.parameter(node, 'bias');
  return bias === undefined ? null : rank1(bias, node);
}

export function activate<T extends tf.Tensor>(y: T, activation: FusedActivation): T {
  if (activation === 'none') return y;
  return activation === 'relu' ? tf.relu(y) : tf.relu6(y);
}

/** tfjs's form of explicit padding for NHWC. */
export function explicitPadding([top, bottom, left, right]: Padding): tf.backend_util.ExplicitPadding {
  return [[0, 0], [top, bottom], [left, right], [0, 0]]; // prettier-ignore
}

export function internal(node: NodeOf<OpName>, found: string): TrainyardError {
  return new TrainyardError('graph-run', `Layer "${node.id}" (${node.op}): ${found}.`, '', { badInput: false });
}
