// temporary
import type { ParameterSpecification, Shape } from '$lib/graph/types';

function permute(values: Float32Array, shape: Shape, order: readonly number[]): Float32Array {
  const out = new Float32Array(values.length);
  const outShape = order.map((a) => shape[a]);
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((p, n) => p * n, 1));
  const index = outShape.map(() => 0);
  for (let at = 0; at < out.length; at++) {
    let from = 0;
    for (let a = 0; a < order.length; a++) from += index[a] * strides[order[a]];
    out[at] = values[from];
    for (let a = order.length - 1; a >= 0; a--) {
      if (++index[a] < outShape[a]) break;
      index[a] = 0;
    }
  }
  return out;
}
const ORDER = {
  conv: [3, 2, 0, 1],
  depthwise: [2, 3, 0, 1],
  conv_transpose: [3, 2, 0, 1],
  linear: [1, 0],
  plain: null,
};
export function toPyTorch(spec: ParameterSpecification, values: Float32Array): { shape: Shape; values: Float32Array } {
  const order = ORDER[spec.layout];
  if (order === null) return { shape: spec.shape, values };
  const out = permute(values, spec.shape, order);
  const shape = order.map((a) => spec.shape[a]);
  return { shape: spec.layout === 'depthwise' ? [shape[0] * shape[1], 1, shape[2], shape[3]] : shape, values: out };
}

export function pyTorchShape(spec: ParameterSpecification): Shape {
  const order = ORDER[spec.layout];
  if (order === null) return spec.shape;
  const shape = order.map((a) => spec.shape[a]);
  return spec.layout === 'depthwise' ? [shape[0] * shape[1], 1, shape[2], shape[3]] : shape;
}
export function fromPyTorch(spec: ParameterSpecification, values: Float32Array): Float32Array {
  const order = ORDER[spec.layout];
  if (order === null) return values;
  const inverse = order.map((_, a) => order.indexOf(a));
  return permute(
    values,
    order.map((a) => spec.shape[a]),
    inverse,
  );
}
