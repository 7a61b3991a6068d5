// Norms by sums of squares, MatMul on the last axis, the scale; whatever lies before that axis is flattened into rows.

import type { GraphDefEmitter, GraphDefLowering } from '../graphdef-lowering';
import { bool, reshapeTo } from '../graphdef-lowering';
import { NORM_EPSILON } from './op';

/** x / max(|x|, epsilon) along an axis. */
function normalize(emit: GraphDefEmitter, x: string, axis: number): string {
  const square = emit.node('Sum', [emit.node('Mul', [x, x]), emit.ints([axis])], { keep_dims: bool(true) });
  const bounded = emit.node('Maximum', [square, emit.floats([NORM_EPSILON ** 2], [])]);
  return emit.node('Mul', [x, emit.node('Rsqrt', [bounded])]);
}

export const cosineLinear: GraphDefLowering<'cosine_linear'> = (node, [x], emit) => {
  const flat = x.shape.length === 1;
  const rows = normalize(emit, flat ? x.name : reshapeTo(emit, x.name, x.shape.slice(-1)), 1);
  const product = emit.node('MatMul', [rows, normalize(emit, emit.parameter(node.parameters.weight), 0)], {
    transpose_a: bool(false),
    transpose_b: bool(false),
  });
  const scaled = emit.node('Mul', [product, emit.floats([node.attributes.scale], [])]);
  return flat ? scaled : reshapeTo(emit, scaled, node.shape);
};
