// Axes in another order: every permutation of every kind of shape, against the definition.
import { expect, test } from 'vitest';
import { fromPyTorch, permute, toPyTorch } from '$lib/graph/layout';

/** result[i0, i1, ...] = values[...] where result's axis k is the source's axis order[k]. */
function byDefinition(values: Float32Array, shape: readonly number[], order: readonly number[]): Float32Array {
  const result = new Float32Array(values.length);
  const lengths = order.map((axis) => shape[axis]);
  for (let to = 0; to < result.length; to++) {
    const index: number[] = [];
    let rest = to;
    for (const length of lengths.toReversed()) {
      index.unshift(rest % length);
      rest = Math.floor(rest / length);
    }
    let from = 0;
    shape.forEach((length, axis) => {
      from = from * length + index[order.indexOf(axis)];
    });
    result[to] = values[from];
  }
  return result;
}

function permutations(items: readonly number[]): number[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item) => permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]));
}

test.each([
  [[2, 3, 4, 5]],
  [[130, 3, 1, 2]],
  [[1, 70, 3, 3]],
  [[3, 1, 1, 200]],
  [[1, 1, 1, 1]],
  [[2, 0, 3, 1]],
  [[7, 65]],
  [[5]],
])('shape %j', (shape) => {
  const count = shape.reduce((product, length) => product * length, 1);
  const values = Float32Array.from({ length: count }, (_, at) => at + 1);
  for (const order of permutations([...shape.keys()])) {
    const expected = byDefinition(values, shape, order);
    expect(permute(values, shape, order), String(order)).toEqual(expected);
    expect(permute(values, shape, order, new Float32Array(count).fill(-1)), String(order)).toEqual(expected);
  }
});

test('PyTorch’s layouts and back', () => {
  for (const layout of ['conv', 'depthwise', 'conv_transpose', 'linear', 'plain'] as const) {
    const shape = layout === 'linear' ? [5, 7] : [3, 2, 5, 4];
    const values = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, at) => at);
    const stored = toPyTorch({ layout, shape }, values);
    expect(fromPyTorch({ layout, shape }, stored.values), layout).toEqual(values);
    expect(fromPyTorch({ layout, shape }, stored.values, new Float32Array(values.length)), layout).toEqual(values);
  }
});
