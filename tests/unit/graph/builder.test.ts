import { describe, expect, test } from 'vitest';
import { TrainyardError } from '$lib/core/errors';
import { GraphBuilder } from '$lib/graph/builder';
import type { Value } from '$lib/graph/builder';
import { samePadding, symmetricPadding } from '$lib/graph/padding';

/** The error that a builder call throws. */
function thrown(call: (builder: GraphBuilder) => unknown): TrainyardError {
  try {
    call(new GraphBuilder([8, 6]));
  } catch (error) {
    if (error instanceof TrainyardError) return error;
    throw error;
  }
  throw new Error('Nothing was thrown.');
}

test('parameters are called after the layer and listed in the order of the state dict', () => {
  const builder = new GraphBuilder([8, 8]);
  const x = builder.conv2d('layer1.0.conv1', builder.input, { filters: 4, kernel: 3, padding: 1, bias: false });
  const graph = builder.build(builder.batchNorm('layer1.0.bn1', x));
  expect(graph.parameters.map(({ name, shape, trainable, decay }) => ({ name, shape, trainable, decay }))).toEqual([
    { name: 'layer1.0.conv1.weight', shape: [3, 3, 3, 4], trainable: true, decay: true },
    { name: 'layer1.0.bn1.weight', shape: [4], trainable: true, decay: false },
    { name: 'layer1.0.bn1.bias', shape: [4], trainable: true, decay: false },
    { name: 'layer1.0.bn1.running_mean', shape: [4], trainable: false, decay: false },
    { name: 'layer1.0.bn1.running_var', shape: [4], trainable: false, decay: false },
  ]);
});

test('layers without parameters get names of their own', () => {
  const builder = new GraphBuilder([4, 4]);
  const a = builder.activation(builder.input, 'relu');
  const b = builder.activation(builder.input, 'tanh');
  expect([a.id, b.id]).toEqual(['input.activation', 'input.activation_2']);
});

test('a dropout of nothing is no node', () => {
  const builder = new GraphBuilder([4, 4]);
  expect(builder.dropout('drop', builder.input, 0)).toBe(builder.input);
  expect(builder.dropPath('path', builder.input, 0)).toBe(builder.input);
});

test('fans are counted as PyTorch counts them', () => {
  const builder = new GraphBuilder([8, 8], 6);
  const x = builder.conv2d('grouped', builder.input, { filters: 4, kernel: [3, 5], groups: 2 });
  builder.depthwiseConv2d('depthwise', x, { kernel: 3, multiplier: 2 });
  builder.convTranspose2d('up', x, { filters: 5, kernel: 2, stride: 2 });
  const bounds = builder.build(x).parameters.map(({ name, initializer }) => [name, 'bound' in initializer && initializer.bound]); // prettier-ignore
  expect(Object.fromEntries(bounds)).toEqual({
    'grouped.weight': 1 / Math.sqrt(3 * 3 * 5),
    'grouped.bias': 1 / Math.sqrt(3 * 3 * 5),
    'depthwise.weight': 1 / Math.sqrt(9),
    'depthwise.bias': 1 / Math.sqrt(9),
    // PyTorch takes fan_in of a transposed convolution from its second axis, the outputs.
    'up.weight': 1 / Math.sqrt(5 * 4),
    'up.bias': 1 / Math.sqrt(5 * 4),
  });
});

describe('what does not fit is refused with the layer’s name', () => {
  const cases: [string, (builder: GraphBuilder) => Value, RegExp][] = [
    ['a kernel larger than the image', (b) => b.conv2d('stem', b.input, { filters: 2, kernel: 9 }), /"stem": its window of 9 does not fit into 8/],
    ['groups that do not divide', (b) => b.conv2d('g', b.input, { filters: 4, kernel: 1, groups: 2 }), /2 groups must divide 3 input channels/],
    ['a stride of 0', (b) => b.conv2d('s', b.input, { filters: 4, kernel: 1, stride: 0 }), /at least 1, found 0/],
    ['negative padding', (b) => b.conv2d('p', b.input, { filters: 4, kernel: 1, padding: -1 }), /padding .* found -1/],
    ['a convolution of a vector', (b) => b.conv2d('c', b.globalAvgPool(b.input), { filters: 1, kernel: 1 }), /\[height, width, channels\], found \[3\]/],
    ['an addition of other sizes', (b) => b.add(b.input, b.slice(b.input, { axis: 0, begin: 0, size: 3 }), 'sum'), /"sum": \[8, 6, 3\] and \[3, 6, 3\] do not broadcast/],
    ['a join of other sizes', (b) => b.concat([b.input, b.slice(b.input, { axis: 0, begin: 0, size: 3 })], -1), /cannot be joined/],
    ['a join of one', (b) => b.concat([b.input]), /many inputs, found 1/],
    ['a slice past the end', (b) => b.slice(b.input, { axis: -1, begin: 2, size: 2 }), /2..4 is not inside axis -1 of length 3/],
    ['an axis that is not there', (b) => b.slice(b.input, { axis: 3, begin: 0, size: 1 }), /axis 3/],
    ['another number of values', (b) => b.reshape(b.input, [8, 6]), /number of values differs/],
    ['half a permutation', (b) => b.transpose(b.input, [0, 2]), /not a permutation/],
    ['padding that covers a window', (b) => b.maxPool(b.input, { kernel: 2, padding: 2 }), /smaller than the kernel/],
    ['nearest with aligned corners', (b) => b.resize(b.input, { size: [2, 2], method: 'nearest', alignCorners: true }), /aligned corners/],
    ['output padding as large as the stride', (b) => b.convTranspose2d('t', b.input, { filters: 1, kernel: 2, stride: 2, outputPadding: 2 }), /must be smaller than strides/],
    ['heads that do not divide', (b) => b.attention(b.input, b.input, b.input, 2), /tokens/],
    ['a drop rate of 1', (b) => b.dropout('d', b.input, 1), /below 1, found 1/],
    ['groups of a norm', (b) => b.groupNorm('n', b.input, { groups: 2 }), /2 groups do not divide 3 channels/],
    ['scales for other channels', (b) => b.affine(b.input, { scale: [1], shift: [0] }), /3 channels need as many/],
    ['a leaky ReLU without slope', (b) => b.activation(b.input, 'leaky_relu'), /needs a slope/],
    ['a name twice', (b) => b.activation(b.activation(b.input, 'relu', { name: 'a' }), 'relu', { name: 'a' }), /called "a"/],
    ['an image without pixels', () => new GraphBuilder([0, 8]).input, /found \[0, 8, 3\]/],
  ]; // prettier-ignore
  test.each(cases)('%s', (_, call, message) => {
    expect(thrown(call).message).toMatch(message);
  });
});

test('TensorFlow’s same padding puts the odd pixel last', () => {
  expect(samePadding([224, 224], 3, 2)).toEqual([0, 1, 0, 1]);
  expect(samePadding([225, 224], 3, 2)).toEqual([1, 1, 0, 1]);
  expect(samePadding([5, 5], 3, 1, 2)).toEqual([2, 2, 2, 2]);
  expect(samePadding([4, 4], 1, 2)).toEqual([0, 0, 0, 0]);
});

test('symmetric padding keeps the size of odd kernels', () => {
  expect(symmetricPadding(7)).toEqual([3, 3, 3, 3]);
  expect(symmetricPadding([3, 5], 2)).toEqual([2, 2, 4, 4]);
});
