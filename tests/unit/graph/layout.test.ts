import { expect, test } from 'vitest';
import { fromPyTorch, pyTorchShape, toPyTorch } from '$lib/graph/layout';
import type { ParameterSpecification } from '$lib/graph/types';

type Layout = ParameterSpecification['layout'];

const count = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);
const numbered = (shape: readonly number[]): Float32Array => Float32Array.from({ length: count(shape) }, (_, at) => at);

const cases: [layout: Layout, ours: number[], theirs: number[]][] = [
  ['conv', [2, 3, 4, 5], [5, 4, 2, 3]],
  ['depthwise', [2, 3, 4, 2], [8, 1, 2, 3]],
  ['conv_transpose', [2, 3, 4, 5], [5, 4, 2, 3]],
  ['linear', [4, 5], [5, 4]],
  ['plain', [7], [7]],
];

test.each(cases)('%s has PyTorch’s shape and comes back unchanged', (layout, shape, theirs) => {
  const values = numbered(shape);
  const there = toPyTorch({ layout, shape }, values);
  expect(there.shape).toEqual(theirs);
  expect(pyTorchShape({ layout, shape })).toEqual(theirs);
  expect(fromPyTorch({ layout, shape }, there.values)).toEqual(values);
});

test('a convolution’s weight [h, w, in, out] is found at [out, in, h, w]', () => {
  const [h, w, i, o] = [2, 3, 4, 5];
  const { values } = toPyTorch({ layout: 'conv', shape: [h, w, i, o] }, numbered([h, w, i, o]));
  // [y 1, x 2, in 3, out 4]
  expect(values[((4 * i + 3) * h + 1) * w + 2]).toBe(((1 * w + 2) * i + 3) * o + 4);
});

test('a depthwise weight [h, w, c, m] is found at [c * multiplier + m, 0, h, w]', () => {
  const [h, w, c, m] = [2, 3, 4, 2];
  const { values } = toPyTorch({ layout: 'depthwise', shape: [h, w, c, m] }, numbered([h, w, c, m]));
  // [y 1, x 2, channel 3, multiple 1]
  expect(values[((3 * m + 1) * h + 1) * w + 2]).toBe(((1 * w + 2) * c + 3) * m + 1);
});
