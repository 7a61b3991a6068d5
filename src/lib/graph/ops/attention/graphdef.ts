// Attention, written out: heads become an axis of their own, two products with a softmax between, heads joined again.

import type { GraphDefEmitter, GraphDefLowering, GraphDefValue } from '../graphdef-lowering';
import { bool, reshapeTo } from '../graphdef-lowering';

export const attention: GraphDefLowering<'attention'> = (node, [q, k, v], emit) => {
  const { heads } = node.attributes;
  const query = split(emit, q, heads); // [batch, heads, tokens, d]
  const scaled = emit.node('Mul', [query, emit.floats([1 / Math.sqrt(q.shape[1] / heads)], [])]);
  const scores = emit.node('BatchMatMulV2', [scaled, split(emit, k, heads)], { adj_x: bool(false), adj_y: bool(true) });
  const weights = emit.node('Softmax', [scores]);
  const mixed = emit.node('BatchMatMulV2', [weights, split(emit, v, heads)], {
    adj_x: bool(false),
    adj_y: bool(false),
  });
  return reshapeTo(emit, emit.node('Transpose', [mixed, emit.ints([0, 2, 1, 3])]), node.shape);
};

function split(emit: GraphDefEmitter, { name, shape }: GraphDefValue, heads: number): string {
  const [tokens, features] = shape;
  const parts = reshapeTo(emit, name, [tokens, heads, features / heads]);
  return emit.node('Transpose', [parts, emit.ints([0, 2, 1, 3])]);
}
