// The table of operations. Adding an operation means a line in types.ts and then whatever the compiler says is missing.

import type { OpAttributes, OpName, Shape } from '../types';
import { activation } from './activation/op';
import { affine } from './affine/op';
import { attention } from './attention/op';
import { batchNorm } from './batch-norm/op';
import { add, multiply } from './binary/op';
import { concat } from './concat/op';
import { convTranspose2d } from './conv-transpose2d/op';
import { conv2d } from './conv2d/op';
import { cosineLinear } from './cosine-linear/op';
import { depthwiseConv2d } from './depthwise-conv2d/op';
import { dropPath, dropout } from './dropout/op';
import { globalAvgPool } from './global-avg-pool/op';
import { groupNorm } from './group-norm/op';
import { input } from './input/op';
import { layerNorm } from './layer-norm/op';
import { linear } from './linear/op';
import { shapeError } from './operation';
import type { Operation, ParameterRole } from './operation';
import { pad } from './pad/op';
import { parameter } from './parameter/op';
import { avgPool, maxPool } from './pool/op';
import { reshape } from './reshape/op';
import { resize } from './resize/op';
import { slice } from './slice/op';
import { softmax } from './softmax/op';
import { transpose } from './transpose/op';

export const operations: { [Op in OpName]: Operation<Op> } = {
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

/** Output shape per sample; throws `graph-shape` when the number or the shapes of the inputs do not fit. */
export function inferShape<Op extends OpName>(op: Op, inputs: readonly Shape[], attributes: OpAttributes[Op]): Shape {
  const operation: Operation<Op> = operations[op];
  const fits = operation.inputs === 'many' ? inputs.length >= 2 : inputs.length === operation.inputs;
  if (!fits) throw shapeError(`${op} reads ${operation.inputs} inputs, found ${inputs.length}.`);
  return operation.shape(inputs, attributes);
}

/** The parameters that an operation may have on these inputs, in state-dict order. */
export function parameterRoles<Op extends OpName>(
  op: Op,
  inputs: readonly Shape[],
  attributes: OpAttributes[Op],
): readonly ParameterRole[] {
  const operation: Operation<Op> = operations[op];
  return operation.parameters?.(inputs, attributes) ?? [];
}
