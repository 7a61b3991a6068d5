// Between our layouts (HWIO kernels, [in, out] matrices) and PyTorch's. Exact in both directions: only places change.

import type { ParameterSpecification, Shape } from './types';

type Layout = ParameterSpecification['layout'];

/** PyTorch's axes, each as the number of ours that it is. Depthwise afterwards joins its first two into one of length c * m. */
const ORDER: Record<Layout, readonly number[] | null> = {
  conv: [3, 2, 0, 1], // [h, w, in, out] -> [out, in, h, w]
  depthwise: [2, 3, 0, 1], // [h, w, c, m] -> [c, m, h, w] -> [c * m, 1, h, w]
  conv_transpose: [3, 2, 0, 1], // [h, w, out, in] -> [in, out, h, w]
  linear: [1, 0], // [in, out] -> [out, in]
  plain: null,
};

/** The shape that PyTorch gives this parameter. */
export function pyTorchShape({ layout, shape }: Pick<ParameterSpecification, 'layout' | 'shape'>): Shape {
  const order = ORDER[layout];
  if (order === null) return shape;
  const permuted = order.map((axis) => shape[axis]);
  if (layout !== 'depthwise') return permuted;
  const [channels, multiplier, height, width] = permuted;
  return [channels * multiplier, 1, height, width];
}

/** Values in PyTorch's order, with their shape. A copy unless the two are the same ('plain'). */
export function toPyTorch(
  specification: Pick<ParameterSpecification, 'layout' | 'shape'>,
  values: Float32Array,
): { shape: Shape; values: Float32Array } {
  const { layout, shape } = specification;
  const order = ORDER[layout];
  const moved = order === null ? values : permute(values, shape, order);
  return { shape: pyTorchShape(specification), values: moved };
}

/** The reverse of {@link toPyTorch}. */
export function fromPyTorch(
  { layout, shape }: Pick<ParameterSpecification, 'layout' | 'shape'>,
  values: Float32Array,
): Float32Array {
  const order = ORDER[layout];
  if (order === null) return values;
  const from = order.map((axis) => shape[axis]);
  const back = order.map((_, axis) => order.indexOf(axis));
  return permute(values, from, back);
}

/** Row-major values with their axes in another order. */
export function permute(values: Float32Array, shape: Shape, order: readonly number[]): Float32Array {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, length) => product * length, 1));
  const lengths = order.map((axis) => shape[axis]);
  const steps = order.map((axis) => strides[axis]);
  const index = lengths.map(() => 0);
  const result = new Float32Array(values.length);
  let from = 0;
  for (let to = 0; to < result.length; to++) {
    result[to] = values[from];
    // Counts up like an odometer, carrying the source's place along.
    for (let axis = lengths.length - 1; axis >= 0; axis--) {
      from += steps[axis];
      if (++index[axis] < lengths[axis]) break;
      from -= steps[axis] * lengths[axis];
      index[axis] = 0;
    }
  }
  return result;
}
