// Norms by ReduceL2, then Gemm on vectors (its alpha is the scale) and MatMul on everything else, the channels brought last.

import type { OnnxEmitter, OnnxLowering } from '../onnx-lowering';
import { float, fromChannelsLast, int, ints, toChannelsLast } from '../onnx-lowering';
import { NORM_EPSILON } from './op';

/** x / max(|x|, epsilon) along the last axis. */
function normalize(emit: OnnxEmitter, x: string): string {
  const norm = emit.node('ReduceL2', [x], { axes: ints(-1), keepdims: int(1) });
  return emit.node('Div', [x, emit.node('Max', [norm, emit.floats([NORM_EPSILON], [])])]);
}

export const cosineLinear: OnnxLowering<'cosine_linear'> = (node, [x], emit) => {
  const { scale } = node.attributes;
  const rank = x.shape.length;
  // [out, in], PyTorch's layout: each row is one output's direction.
  const weight = normalize(emit, emit.parameter(node.parameters.weight));
  const rows = normalize(emit, toChannelsLast(emit, x.name, rank));
  if (rank === 1) return emit.node('Gemm', [rows, weight], { transB: int(1), alpha: float(scale) });
  const product = emit.node('MatMul', [rows, emit.transpose(weight, [1, 0])]);
  return fromChannelsLast(emit, emit.node('Mul', [product, emit.floats([scale], [])]), rank);
};
