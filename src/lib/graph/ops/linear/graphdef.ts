// MatMul on the last axis; whatever lies before it is flattened into rows.

import type { GraphDefLowering } from '../graphdef-lowering';
import { addBias, bool, reshapeTo } from '../graphdef-lowering';

export const linear: GraphDefLowering<'linear'> = (node, [x], emit) => {
  const { weight, bias } = node.parameters;
  const flat = x.shape.length === 1;
  const rows = flat ? x.name : reshapeTo(emit, x.name, x.shape.slice(-1));
  const product = emit.node('MatMul', [rows, emit.parameter(weight)], {
    transpose_a: bool(false),
    transpose_b: bool(false),
  });
  const biased = addBias(emit, product, bias);
  return flat ? biased : reshapeTo(emit, biased, node.shape);
};
