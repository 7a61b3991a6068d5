// The TensorFlow GraphDef lowering of every operation. The compiler names the one that is missing.

import type { OpName } from '../types';
import { activation } from './activation/graphdef';
import { affine } from './affine/graphdef';
import { attention } from './attention/graphdef';
import { batchNorm } from './batch-norm/graphdef';
import { add, multiply } from './binary/graphdef';
import { concat } from './concat/graphdef';
import { convTranspose2d } from './conv-transpose2d/graphdef';
import { conv2d } from './conv2d/graphdef';
import { cosineLinear } from './cosine-linear/graphdef';
import { depthwiseConv2d } from './depthwise-conv2d/graphdef';
import { dropPath, dropout } from './dropout/graphdef';
import { globalAvgPool } from './global-avg-pool/graphdef';
import { groupNorm } from './group-norm/graphdef';
import { input } from './input/graphdef';
import { layerNorm } from './layer-norm/graphdef';
import { linear } from './linear/graphdef';
import { pad } from './pad/graphdef';
import { parameter } from './parameter/graphdef';
import { avgPool, maxPool } from './pool/graphdef';
import { reshape } from './reshape/graphdef';
import { resize } from './resize/graphdef';
import { slice } from './slice/graphdef';
import { softmax } from './softmax/graphdef';
import { transpose } from './transpose/graphdef';
import type { GraphDefLowering } from './graphdef-lowering';

export const graphDefLowerings: { [Op in OpName]: GraphDefLowering<Op> } = {
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
