// Attention, written out: heads become an axis of their own, two products with a softmax between, heads joined again.

import type { OnnxEmitter, OnnxLowering, OnnxValue } from '../onnx-lowering';
import { int } from '../onnx-lowering';

export const attention: OnnxLowering<'attention'> = (node, [q, k, v], emit) => {
  const { heads } = node.attributes;
  const perHead = q.shape[1] / heads;
  const query = split(emit, q, heads, [0, 2, 1, 3]); // [batch, heads, tokens, d]
  const key = split(emit, k, heads, [0, 2, 3, 1]); // [batch, heads, d, tokens]
  const value = split(emit, v, heads, [0, 2, 1, 3]); // [batch, heads, tokens, d]
  const scaled = emit.node('Mul', [query, emit.floats([1 / Math.sqrt(perHead)], [])]);
  const weights = emit.node('Softmax', [emit.node('MatMul', [scaled, key])], { axis: int(-1) });
  const joined = emit.transpose(emit.node('MatMul', [weights, value]), [0, 2, 1, 3]);
  return emit.node('Reshape', [joined, emit.ints([0, ...node.shape])]);
};

function split(emit: OnnxEmitter, { name, shape }: OnnxValue, heads: number, order: readonly number[]): string {
  const [tokens, features] = shape;
  const parts = emit.node('Reshape', [name, emit.ints([0, tokens, heads, features / heads])]);
  return emit.transpose(parts, order);
}
