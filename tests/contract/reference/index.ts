// A reference for every operation; the compiler names the one that is missing.

import type { NodeOf, OpName } from '$lib/graph/types';
import { attention } from './attention';
import { conv2d, convTranspose2d, cosineLinear, depthwiseConv2d, linear } from './convolution';
import { activation, add, affine, dropPath, dropout, multiply, softmax } from './elementwise';
import { batchNorm, groupNorm, layerNorm } from './norm';
import type { Reference, ReferenceContext } from './reference';
import { avgPool, concat, globalAvgPool, maxPool, pad, parameter, reshape, resize, slice, transpose } from './spatial';
import { mapValues } from './tensor';
import type { RefTensor } from './tensor';

const references: { [Op in Exclude<OpName, 'input'>]: Reference<Op> } = {
  affine,
  conv2d,
  depthwise_conv2d: depthwiseConv2d,
  conv_transpose2d: convTranspose2d,
  linear,
  cosine_linear: cosineLinear,
  batch_norm: batchNorm,
  layer_norm: layerNorm,
  group_norm: groupNorm,
  activation,
  softmax,
  add,
  multiply,
  concat,
  slice,
  pad,
  max_pool: maxPool,
  avg_pool: avgPool,
  global_avg_pool: globalAvgPool,
  dropout,
  drop_path: dropPath,
  resize,
  reshape,
  transpose,
  parameter,
  attention,
};

/** The node's output by plain loops in double precision, after the activation that it applies itself. */
export function referenceOutput<Op extends Exclude<OpName, 'input'>>(
  node: NodeOf<Op>,
  inputs: readonly RefTensor[],
  context: ReferenceContext,
): RefTensor {
  const reference: Reference<Op> = references[node.op];
  const y = reference(node, inputs, context);
  if (context.fused === 'none') return y;
  return mapValues(y, (value) => Math.min(Math.max(value, 0), context.fused === 'relu6' ? 6 : Infinity));
}
