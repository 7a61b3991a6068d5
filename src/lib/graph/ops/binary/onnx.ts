// Add and Mul. Inputs of different rank are given the same one first, because rank 3 is stored in another order.

import type { OnnxEmitter, OnnxLowering, OnnxValue } from '../onnx-lowering';
import { storedShape } from '../onnx-lowering';
import type { Shape } from '../../types';

function withRank(emit: OnnxEmitter, value: OnnxValue, rank: number): string {
  if (value.shape.length === rank) return value.name;
  const shape: Shape = [...Array<number>(rank - value.shape.length).fill(1), ...value.shape];
  // The lower rank lies in our own order; so does it with leading ones, whose places in rank 3 move without effect
  // unless two axes are longer than one.
  if (rank !== 3 || value.shape.length < 2)
    return emit.node('Reshape', [value.name, emit.ints([0, ...storedShape(shape)])]);
  return emit.transpose(emit.node('Reshape', [value.name, emit.ints([0, ...shape])]), [0, 3, 1, 2]);
}

function binary<Op extends 'add' | 'multiply'>(onnxOp: string): OnnxLowering<Op> {
  return (_node, [a, b], emit) => {
    const rank = Math.max(a.shape.length, b.shape.length);
    return emit.node(onnxOp, [withRank(emit, a, rank), withRank(emit, b, rank)]);
  };
}

export const add = binary<'add'>('Add');
export const multiply = binary<'multiply'>('Mul');
