// AddV2 and Mul. The batch axis takes part in TensorFlow's broadcasting, so that inputs of lower rank get ones behind it first.

import type { GraphDefEmitter, GraphDefLowering, GraphDefValue } from '../graphdef-lowering';

function withRank(emit: GraphDefEmitter, value: GraphDefValue, rank: number): string {
  const { name, shape, batched } = value;
  if (shape.length === rank) return name;
  const lead = Array<number>(rank - shape.length).fill(1);
  return emit.node('Reshape', [name, emit.ints([batched ? -1 : 1, ...lead, ...shape])]);
}

function binary<Op extends 'add' | 'multiply'>(graphDefOp: string): GraphDefLowering<Op> {
  return (_node, [a, b], emit) => {
    const rank = Math.max(a.shape.length, b.shape.length);
    return emit.node(graphDefOp, [withRank(emit, a, rank), withRank(emit, b, rank)]);
  };
}

export const add = binary<'add'>('AddV2');
export const multiply = binary<'multiply'>('Mul');
