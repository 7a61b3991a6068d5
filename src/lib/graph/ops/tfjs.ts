// The tfjs forward function of every operation. Gradients are tfjs's own, or customGrad's where tfjs has none or a wrong one.

import type { Tensor } from '@tensorflow/tfjs-core';
import type { GraphNode, NodeOf, OpName } from '../types';
import { activation } from './activation/tfjs';
import { affine } from './affine/tfjs';
import { attention } from './attention/tfjs';
import { batchNorm } from './batch-norm/tfjs';
import { add, multiply } from './binary/tfjs';
import { concat } from './concat/tfjs';
import { convTranspose2d } from './conv-transpose2d/tfjs';
import { conv2d } from './conv2d/tfjs';
import { cosineLinear } from './cosine-linear/tfjs';
import { depthwiseConv2d } from './depthwise-conv2d/tfjs';
import { dropPath, dropout } from './dropout/tfjs';
import type { Forward, ForwardContext } from './forward';
import { globalAvgPool } from './global-avg-pool/tfjs';
import { groupNorm } from './group-norm/tfjs';
import { input } from './input/tfjs';
import { layerNorm } from './layer-norm/tfjs';
import { linear } from './linear/tfjs';
import { pad } from './pad/tfjs';
import { parameter } from './parameter/tfjs';
import { avgPool, maxPool } from './pool/tfjs';
import { reshape } from './reshape/tfjs';
import { resize } from './resize/tfjs';
import { slice } from './slice/tfjs';
import { softmax } from './softmax/tfjs';
import { transpose } from './transpose/tfjs';

const forwards: { [Op in OpName]: Forward<Op> } = {
  input,
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

/** The node's output, with a leading batch axis, from its inputs'. */
export function forwardNode(node: GraphNode, inputs: readonly Tensor[], context: ForwardContext): Tensor {
  return apply(node, inputs, context);
}

function apply<Op extends OpName>(node: NodeOf<Op>, inputs: readonly Tensor[], context: ForwardContext): Tensor {
  const forward: Forward<Op> = forwards[node.op];
  return forward(node, inputs, context);
}
