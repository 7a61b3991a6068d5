// The ONNX lowering of every operation. The compiler names the one that is missing.

import type { OpName } from '../types';
import { activation } from './activation/onnx';
import { affine } from './affine/onnx';
import { attention } from './attention/onnx';
import { batchNorm } from './batch-norm/onnx';
import { add, multiply } from './binary/onnx';
import { concat } from './concat/onnx';
import { convTranspose2d } from './conv-transpose2d/onnx';
import { conv2d } from './conv2d/onnx';
import { cosineLinear } from './cosine-linear/onnx';
import { depthwiseConv2d } from './depthwise-conv2d/onnx';
import { dropPath, dropout } from './dropout/onnx';
import { globalAvgPool } from './global-avg-pool/onnx';
import { groupNorm } from './group-norm/onnx';
import { input } from './input/onnx';
import { layerNorm } from './layer-norm/onnx';
import { linear } from './linear/onnx';
import { pad } from './pad/onnx';
import { parameter } from './parameter/onnx';
import { avgPool, maxPool } from './pool/onnx';
import { reshape } from './reshape/onnx';
import { resize } from './resize/onnx';
import { slice } from './slice/onnx';
import { softmax } from './softmax/onnx';
import { transpose } from './transpose/onnx';
import type { OnnxLowering } from './onnx-lowering';

export const onnxLowerings: { [Op in OpName]: OnnxLowering<Op> } = {
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
