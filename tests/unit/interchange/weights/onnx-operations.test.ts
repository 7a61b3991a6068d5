// Every ONNX operation that is imported, in the forms that exporters write, against ONNX Runtime. Our own writer's forms are in
// onnx.test.ts.
import { beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '$lib/engines/contract';
import type { OnnxAttribute, OnnxNode, OnnxTensor } from '$lib/interchange/onnx/model';
import type { ImageShape } from '$lib/interchange/verify/runner';
import { openOnnx } from '$lib/interchange/weights/onnx/open';
import { nodeEngine } from '../support/engine';
import { randomImages, relativeDifference } from '../support/models';
import { imported, importedOutput, runtimeOutput } from '../support/onnx';
import { floats, ints, node, onnxFile, weights } from '../support/onnx-files';

/** Of the largest value. Two ways to add up float32 differ by 1e-7 to 5e-6. */
const TOLERANCE = 1e-5;
const HEIGHT = 16;
const WIDTH = 20;

let engine: Engine;
beforeAll(async () => {
  engine = await nodeEngine('wasm');
});

const int = (value: number): OnnxAttribute => ({ type: 'int', value });
const float = (value: number): OnnxAttribute => ({ type: 'float', value });
const list = (...value: number[]): OnnxAttribute => ({ type: 'ints', value });
const text = (value: string): OnnxAttribute => ({ type: 'string', value });

interface OperationCase {
  title: string;
  opset?: number;
  /** From 'x' ([batch, 3, 16, 20]) or 'wide' ([batch, 8, 16, 20], both signs) to 'y'. */
  nodes: readonly OnnxNode[];
  initializers?: readonly OnnxTensor[];
  /** Numbers of 'y' for each image. */
  count: number;
  batch?: number;
}

const HW = HEIGHT * WIDTH;

const cases: readonly OperationCase[] = [
  {
    title: 'Conv with automatic padding, the odd pixel at the end',
    nodes: [node('Conv', ['x', 'w', 'b'], 'y', { auto_pad: text('SAME_UPPER'), strides: list(3, 2) })],
    initializers: [weights('w', [4, 3, 3, 4]), weights('b', [4])],
    count: 4 * 6 * 10,
  },
  {
    title: 'Conv with automatic padding, the odd pixel at the start',
    nodes: [node('Conv', ['x', 'w'], 'y', { auto_pad: text('SAME_LOWER'), strides: list(2, 2) })],
    initializers: [weights('w', [4, 3, 3, 3])],
    count: 4 * 8 * 10,
  },
  {
    title: 'Conv in two groups, dilated, four different pads',
    nodes: [node('Conv', ['wide', 'w', 'b'], 'y', { group: int(2), dilations: list(1, 2), pads: list(0, 1, 2, 3) })],
    initializers: [weights('w', [6, 4, 3, 3]), weights('b', [6])],
    count: 6 * 16 * 20,
  },
  {
    title: 'Conv of each channel with two filters',
    nodes: [node('Conv', ['wide', 'w'], 'y', { group: int(8) })],
    initializers: [weights('w', [16, 1, 3, 3])],
    count: 16 * 14 * 18,
  },
  {
    title: 'Conv with its bias as an Add behind it',
    nodes: [node('Conv', ['x', 'w'], 'c'), node('Add', ['b', 'c'], 'y')],
    initializers: [weights('w', [4, 3, 1, 1]), weights('b', [1, 4, 1, 1])],
    count: 4 * HW,
  },
  {
    title: 'ConvTranspose',
    nodes: [node('ConvTranspose', ['x', 'w', 'b'], 'y', { strides: list(2, 2), pads: list(1, 1, 1, 1) })],
    initializers: [weights('w', [3, 2, 4, 4]), weights('b', [2])],
    count: 2 * 32 * 40,
  },
  {
    title: 'Gemm with alpha, beta and weights as they are',
    nodes: [
      node('GlobalAveragePool', ['wide'], 'g'),
      node('Flatten', ['g'], 'f'),
      node('Gemm', ['f', 'w', 'b'], 'y', { alpha: float(0.5), beta: float(2) }),
    ],
    initializers: [weights('w', [8, 5]), weights('b', [1, 5])],
    count: 5,
  },
  {
    title: 'MatMul and Add on channels last',
    nodes: [
      node('Transpose', ['wide'], 't', { perm: list(0, 2, 3, 1) }),
      node('MatMul', ['t', 'w'], 'm'),
      node('Add', ['m', 'b'], 'a'),
      node('Transpose', ['a'], 'y', { perm: list(0, 3, 1, 2) }),
    ],
    initializers: [weights('w', [8, 5]), weights('b', [5])],
    count: 5 * HW,
  },
  {
    title: 'BatchNormalization',
    nodes: [node('BatchNormalization', ['wide', 's', 'b', 'm', 'v'], 'y', { epsilon: float(1e-3) })],
    initializers: [
      weights('s', [8], { center: 1 }),
      weights('b', [8]),
      weights('m', [8]),
      weights('v', [8], { scale: 0.4, center: 1 }),
    ],
    count: 8 * HW,
  },
  { title: 'LeakyRelu', nodes: [node('LeakyRelu', ['wide'], 'y', { alpha: float(0.2) })], count: 8 * HW },
  {
    title: 'PRelu with one slope',
    nodes: [node('PRelu', ['wide', 's'], 'y')],
    initializers: [floats('s', [0.25], [1, 1, 1])],
    count: 8 * HW,
  },
  {
    title: 'Clip to 0..6 by inputs',
    nodes: [node('Clip', ['wide', 'low', 'high'], 'y')],
    initializers: [floats('low', [0], []), floats('high', [6], [])],
    count: 8 * HW,
  },
  {
    title: 'Clip to -0.5..0.25 by attributes',
    opset: 9,
    nodes: [node('Clip', ['wide'], 'y', { min: float(-0.5), max: float(0.25) })],
    count: 8 * HW,
  },
  {
    title: 'HardSigmoid of Keras',
    nodes: [node('HardSigmoid', ['wide'], 'y', { alpha: float(0.2), beta: float(0.5) })],
    count: 8 * HW,
  },
  {
    title: 'HardSigmoid of PyTorch, as a gate',
    nodes: [
      node('HardSigmoid', ['wide'], 'h', { alpha: float(1 / 6), beta: float(0.5) }),
      node('Mul', ['h', 'wide'], 'y'),
    ],
    count: 8 * HW,
  },
  {
    title: 'hard swish written out',
    nodes: [
      node('Add', ['wide', 'three'], 'a'),
      node('Clip', ['a', 'low', 'six'], 'c'),
      node('Mul', ['wide', 'c'], 'm'),
      node('Div', ['m', 'six'], 'y'),
    ],
    initializers: [floats('three', [3], []), floats('low', [0], []), floats('six', [6], [])],
    count: 8 * HW,
  },
  { title: 'SiLU', nodes: [node('Sigmoid', ['wide'], 's'), node('Mul', ['wide', 's'], 'y')], count: 8 * HW },
  {
    title: 'GELU as PyTorch writes it out',
    nodes: [
      node('Div', ['wide', 'root'], 'd'),
      node('Erf', ['d'], 'e'),
      node('Add', ['e', 'one'], 'a'),
      node('Mul', ['wide', 'a'], 'm'),
      node('Mul', ['m', 'half'], 'y'),
    ],
    initializers: [floats('root', [Math.SQRT2], []), floats('one', [1], []), floats('half', [0.5], [])],
    count: 8 * HW,
  },
  {
    title: 'Gelu of opset 20',
    opset: 20,
    nodes: [node('Gelu', ['wide'], 'g'), node('Gelu', ['g'], 'y', { approximate: text('tanh') })],
    count: 8 * HW,
  },
  {
    title: 'layer normalisation written out, on channels last',
    nodes: [
      node('Transpose', ['wide'], 't', { perm: list(0, 2, 3, 1) }),
      node('ReduceMean', ['t'], 'mean', { axes: list(-1) }),
      node('Sub', ['t', 'mean'], 'c'),
      node('Pow', ['c', 'two'], 'p'),
      node('ReduceMean', ['p'], 'v', { axes: list(-1) }),
      node('Add', ['v', 'epsilon'], 'e'),
      node('Sqrt', ['e'], 'd'),
      node('Div', ['c', 'd'], 'n'),
      node('Mul', ['n', 's'], 'm'),
      node('Add', ['m', 'b'], 'a'),
      node('Transpose', ['a'], 'y', { perm: list(0, 3, 1, 2) }),
    ],
    initializers: [floats('two', [2], []), floats('epsilon', [1e-6], []), weights('s', [8]), weights('b', [8])],
    count: 8 * HW,
  },
  {
    title: 'group normalisation as PyTorch writes it out',
    nodes: [
      node('Reshape', ['wide', 'groups'], 'r'),
      node('InstanceNormalization', ['r', 'ones', 'zeros'], 'i', { epsilon: float(1e-5) }),
      node('Shape', ['wide'], 'shape'),
      node('Reshape', ['i', 'shape'], 'n'),
      node('Mul', ['n', 's'], 'm'),
      node('Add', ['m', 'b'], 'y'),
    ],
    initializers: [
      ints('groups', [0, 2, -1]),
      floats('ones', [1, 1]),
      floats('zeros', [0, 0]),
      weights('s', [8, 1, 1]),
      weights('b', [8, 1, 1]),
    ],
    count: 8 * HW,
  },
  {
    title: 'squeeze and excite by ReduceMean and 1 x 1 convolutions',
    nodes: [
      node('ReduceMean', ['wide'], 'g', { axes: list(2, 3) }),
      node('Conv', ['g', 'w1', 'b1'], 'a'),
      node('Relu', ['a'], 'r'),
      node('Conv', ['r', 'w2', 'b2'], 'c'),
      node('Sigmoid', ['c'], 's'),
      node('Mul', ['s', 'wide'], 'y'),
    ],
    initializers: [weights('w1', [4, 8, 1, 1]), weights('b1', [4]), weights('w2', [8, 4, 1, 1]), weights('b2', [8])],
    count: 8 * HW,
  },
  {
    title: 'ReduceMean with axes as an input, not kept',
    opset: 18,
    nodes: [node('ReduceMean', ['wide', 'axes'], 'y', { keepdims: int(0) })],
    initializers: [ints('axes', [2, 3])],
    count: 8,
  },
  {
    title: 'a constant subtracted from and a constant scale of each channel',
    nodes: [node('Sub', ['c', 'wide'], 's'), node('Mul', ['s', 'gamma'], 'y')],
    initializers: [floats('c', [0.7], []), weights('gamma', [8, 1, 1])],
    count: 8 * HW,
  },
  {
    title: 'a learned tensor of every place',
    nodes: [node('Add', ['position', 'wide'], 'y')],
    initializers: [weights('position', [1, 8, HEIGHT, WIDTH])],
    count: 8 * HW,
  },
  {
    title: 'Concat and Slice of channels by inputs, negative numbers',
    nodes: [node('Concat', ['wide', 'x'], 'c', { axis: int(1) }), node('Slice', ['c', 'starts', 'ends', 'axes'], 'y')],
    initializers: [ints('starts', [-5]), ints('ends', [Number.MAX_SAFE_INTEGER]), ints('axes', [1])],
    count: 5 * HW,
  },
  {
    title: 'Slice by attributes',
    opset: 9,
    nodes: [node('Slice', ['wide'], 'y', { starts: list(1, 2), ends: list(7, -3), axes: list(1, 3) })],
    count: 6 * 16 * 15,
  },
  {
    title: 'Split by attribute and Concat in another order',
    opset: 11,
    nodes: [
      node('Split', ['wide'], ['a', 'b', 'c'], { axis: int(1), split: list(2, 5, 1) }),
      node('Concat', ['c', 'a', 'b'], 'y', { axis: int(1) }),
    ],
    count: 8 * HW,
  },
  {
    title: 'Split by inputs',
    nodes: [node('Split', ['wide', 'parts'], ['a', 'b'], { axis: int(1) }), node('Mul', ['a', 'b'], 'y')],
    initializers: [ints('parts', [4, 4])],
    count: 4 * HW,
  },
  {
    title: 'channel shuffle',
    nodes: [
      node('Reshape', ['wide', 'split'], 'r'),
      node('Transpose', ['r'], 't', { perm: list(0, 2, 1, 3, 4) }),
      node('Reshape', ['t', 'joined'], 'y'),
    ],
    initializers: [ints('split', [-1, 2, 4, HEIGHT, WIDTH]), ints('joined', [0, 8, HEIGHT, WIDTH])],
    count: 8 * HW,
  },
  {
    title: 'MaxPool that rounds up, with pads',
    nodes: [
      node('MaxPool', ['wide'], 'y', {
        kernel_shape: list(3, 3),
        strides: list(2, 3),
        pads: list(1, 0, 0, 1),
        ceil_mode: int(1),
      }),
    ],
    count: 8 * 8 * 7,
  },
  {
    title: 'AveragePool that counts no padding, rounding up',
    nodes: [
      node('AveragePool', ['wide'], 'y', {
        kernel_shape: list(3, 3),
        strides: list(2, 3),
        pads: list(1, 1, 0, 0),
        ceil_mode: int(1),
      }),
    ],
    count: 8 * 8 * 7,
  },
  {
    title: 'AveragePool that counts padding',
    nodes: [
      node('AveragePool', ['wide'], 'y', {
        kernel_shape: list(3, 3),
        pads: list(1, 1, 1, 1),
        count_include_pad: int(1),
      }),
    ],
    count: 8 * HW,
  },
  { title: 'GlobalMaxPool', nodes: [node('GlobalMaxPool', ['wide'], 'y')], count: 8 },
  {
    title: 'Resize, bilinear by scales',
    nodes: [
      node('Resize', ['wide', '', 'scales'], 'y', {
        mode: text('linear'),
        coordinate_transformation_mode: text('pytorch_half_pixel'),
      }),
    ],
    initializers: [floats('scales', [1, 1, 2, 1.5])],
    count: 8 * 32 * 30,
  },
  {
    title: 'Resize, bilinear with aligned corners by sizes that are computed',
    nodes: [
      node('Shape', ['wide'], 'shape'),
      node('Slice', ['shape', 'zero', 'two'], 'front'),
      node('Concat', ['front', 'size'], 'sizes', { axis: int(0) }),
      node('Resize', ['wide', '', '', 'sizes'], 'y', {
        mode: text('linear'),
        coordinate_transformation_mode: text('align_corners'),
      }),
    ],
    initializers: [ints('zero', [0]), ints('two', [2]), ints('size', [7, 31])],
    count: 8 * 7 * 31,
  },
  {
    title: 'Resize, nearest by PyTorch',
    nodes: [
      node('Resize', ['wide', '', 'scales'], 'y', {
        mode: text('nearest'),
        coordinate_transformation_mode: text('asymmetric'),
        nearest_mode: text('floor'),
      }),
    ],
    initializers: [floats('scales', [1, 1, 2, 2])],
    count: 8 * 32 * 40,
  },
  {
    title: 'Resize, nearest by Keras',
    nodes: [
      node('Resize', ['wide', '', 'scales'], 'y', {
        mode: text('nearest'),
        coordinate_transformation_mode: text('half_pixel'),
        nearest_mode: text('round_prefer_ceil'),
      }),
    ],
    initializers: [floats('scales', [1, 1, 2, 2])],
    count: 8 * 32 * 40,
  },
  {
    title: 'Upsample of opset 9',
    opset: 9,
    nodes: [node('Upsample', ['wide', 'scales'], 'y', { mode: text('nearest') })],
    initializers: [floats('scales', [1, 1, 2, 3])],
    count: 8 * 32 * 60,
  },
  {
    title: 'Pad by inputs and by attributes',
    nodes: [node('Pad', ['wide', 'pads', 'value'], 'y')],
    initializers: [ints('pads', [0, 0, 1, 2, 0, 0, 3, 0]), floats('value', [0], [])],
    count: 8 * 20 * 22,
  },
  {
    title: 'Pad on channels last by attributes',
    opset: 9,
    nodes: [
      node('Transpose', ['wide'], 't', { perm: list(0, 2, 3, 1) }),
      node('Pad', ['t'], 'p', { pads: list(0, 1, 2, 0, 0, 3, 0, 0) }),
      node('Relu', ['p'], 'y'),
    ],
    count: 8 * 20 * 22,
  },
  {
    title: 'Flatten of an image: channels first, whatever the layout',
    nodes: [node('Flatten', ['wide'], 'f'), node('Relu', ['f'], 'y')],
    count: 8 * HW,
  },
  {
    title: 'Flatten of channels last',
    nodes: [node('Transpose', ['wide'], 't', { perm: list(0, 2, 3, 1) }), node('Reshape', ['t', 'flat'], 'y')],
    initializers: [ints('flat', [0, -1])],
    count: 8 * HW,
  },
  {
    title: 'Squeeze, Unsqueeze and Gather',
    nodes: [
      node('GlobalAveragePool', ['wide'], 'g'),
      node('Squeeze', ['g', 'last'], 's'),
      node('Unsqueeze', ['s', 'last'], 'u'),
      node('Mul', ['u', 'wide'], 'm'),
      node('Gather', ['m', 'three'], 'y', { axis: int(2) }),
    ],
    initializers: [ints('last', [-1, -2]), ints('three', [3], [])],
    count: 8 * WIDTH,
  },
  {
    title: 'Squeeze by attribute',
    opset: 11,
    nodes: [node('GlobalAveragePool', ['wide'], 'g'), node('Squeeze', ['g'], 'y', { axes: list(2, 3) })],
    count: 8,
  },
  {
    title: 'Reshape to a computed shape: Shape, Gather, Unsqueeze, Concat, Cast, arithmetic',
    nodes: [
      node('Shape', ['wide'], 'shape'),
      node('Gather', ['shape', 'zero'], 'batch'),
      node('Gather', ['shape', 'two'], 'rows'),
      node('Gather', ['shape', 'three'], 'columns'),
      node('Mul', ['rows', 'columns'], 'places'),
      node('Cast', ['places'], 'float', { to: int(1) }),
      node('Div', ['float', 'half'], 'double'),
      node('Floor', ['double'], 'floor'),
      node('Cast', ['floor'], 'whole', { to: int(7) }),
      node('Div', ['whole', 'two'], 'again'),
      node('Unsqueeze', ['batch', 'zeros'], 'b'),
      node('Unsqueeze', ['again', 'zeros'], 'p'),
      node('Concat', ['b', 'eight', 'p'], 'target', { axis: int(0) }),
      node('Reshape', ['wide', 'target'], 'tokens'),
      node('Transpose', ['tokens'], 't', { perm: list(0, 2, 1) }),
      node('LayerNormalization', ['t', 's', 'o'], 'y', { axis: int(2), epsilon: float(1e-4) }),
    ],
    initializers: [
      ints('zero', [0], []),
      ints('two', [2], []),
      ints('three', [3], []),
      floats('half', [0.5], []),
      ints('zeros', [0]),
      ints('eight', [8]),
      weights('s', [8]),
      weights('o', [8]),
    ],
    count: 8 * HW,
  },
  {
    title: 'attention of two heads with one matrix for q, k and v, as timm has it',
    nodes: [
      node('Reshape', ['wide', 'flat'], 'f'),
      node('Transpose', ['f'], 't', { perm: list(0, 2, 1) }),
      node('MatMul', ['t', 'qkv'], 'm'),
      node('Add', ['qkv.bias', 'm'], 'a'),
      node('Reshape', ['a', 'heads'], 'r'),
      node('Transpose', ['r'], 'p', { perm: list(2, 0, 3, 1, 4) }),
      node('Gather', ['p', 'zero'], 'q', { axis: int(0) }),
      node('Gather', ['p', 'one'], 'k', { axis: int(0) }),
      node('Gather', ['p', 'two'], 'v', { axis: int(0) }),
      node('Transpose', ['k'], 'kt', { perm: list(0, 1, 3, 2) }),
      node('MatMul', ['q', 'kt'], 'scores'),
      node('Mul', ['scores', 'scale'], 'scaled'),
      node('Softmax', ['scaled'], 'soft', { axis: int(-1) }),
      node('MatMul', ['soft', 'v'], 'o'),
      node('Transpose', ['o'], 'ot', { perm: list(0, 2, 1, 3) }),
      node('Reshape', ['ot', 'joined'], 'y'),
    ],
    initializers: [
      ints('flat', [0, 8, -1]),
      weights('qkv', [8, 24]),
      weights('qkv.bias', [24]),
      ints('heads', [0, HW, 3, 2, 4]),
      ints('zero', [0], []),
      ints('one', [1], []),
      ints('two', [2], []),
      floats('scale', [0.3], []),
      ints('joined', [0, HW, 8]),
    ],
    count: 8 * HW,
  },
  {
    title: 'a class token that is repeated for the batch, and the place that it stands at',
    nodes: [
      node('Reshape', ['wide', 'flat'], 'f'),
      node('Transpose', ['f'], 't', { perm: list(0, 2, 1) }),
      node('Shape', ['t'], 'shape'),
      node('Gather', ['shape', 'zero'], 'batch'),
      node('Unsqueeze', ['batch', 'zeros'], 'b'),
      node('Concat', ['b', 'rest'], 'target', { axis: int(0) }),
      node('Expand', ['cls_token', 'target'], 'tokens'),
      node('Concat', ['tokens', 't'], 'c', { axis: int(1) }),
      node('ReduceMean', ['c'], 'mean', { axes: list(1), keepdims: int(1) }),
      node('Gather', ['c', 'zero'], 'first', { axis: int(1) }),
      node('Squeeze', ['mean', 'ones'], 'm'),
      node('Add', ['first', 'm'], 'y'),
    ],
    initializers: [
      ints('flat', [0, 8, -1]),
      ints('zero', [0], []),
      ints('zeros', [0]),
      ints('rest', [1, 8]),
      ints('ones', [1]),
      weights('cls_token', [1, 1, 8]),
    ],
    count: 8,
  },
  {
    title: 'Softmax over the channels in the middle',
    nodes: [node('Softmax', ['wide'], 'y', { axis: int(1) })],
    count: 8 * HW,
  },
  {
    title: 'Identity, Dropout and Cast on the way',
    nodes: [
      node('Identity', ['wide'], 'i'),
      node('Dropout', ['i'], 'd'),
      node('Cast', ['d'], 'c', { to: int(1) }),
      node('Neg', ['c'], 'y'),
    ],
    count: 8 * HW,
  },
  {
    title: 'a batch of exactly two with shapes that say so',
    batch: 2,
    nodes: [node('Reshape', ['wide', 'flat'], 'y')],
    initializers: [ints('flat', [2, 8 * HW])],
    count: 8 * HW,
  },
];

/** The case between a convolution that makes `wide` and a layer on every number of `y`. */
function fileOf({ opset, nodes, initializers = [], count, batch }: OperationCase): Blob {
  return onnxFile({
    opset,
    nodes: [
      node('Conv', ['x', 'widen.weight', 'widen.bias'], 'wide'),
      ...nodes,
      node('Flatten', ['y'], 'all', { axis: int(1) }),
      node('Gemm', ['all', 'probe.weight', 'probe.bias'], 'output', { transB: int(1) }),
    ],
    initializers: [
      weights('widen.weight', [8, 3, 1, 1], { scale: 3 }),
      weights('widen.bias', [8]),
      weights('probe.weight', [5, count]),
      weights('probe.bias', [5]),
      ...initializers,
    ],
    input: [batch ?? 'batch', 3, HEIGHT, WIDTH],
    outputs: [{ name: 'output', shape: ['batch', 5] }],
  });
}

const SHAPE: ImageShape = [2, HEIGHT, WIDTH, 3];

test.each(cases)('$title', async (each) => {
  const blob = fileOf(each);
  const images = randomImages(SHAPE);
  const { output } = await importedOutput(engine, blob, images, SHAPE);
  expect(relativeDifference(await runtimeOutput(blob, images, SHAPE), output)).toBeLessThan(TOLERANCE);
});

describe('what is refused', () => {
  const refusals: readonly (OperationCase & { reason: RegExp })[] = [
    { title: 'an unknown operation', nodes: [node('Elu', ['wide'], 'y')], count: 8 * HW, reason: /operation Elu/ },
    {
      title: 'a cubic Resize',
      nodes: [node('Resize', ['wide', '', 'scales'], 'y', { mode: text('cubic') })],
      initializers: [floats('scales', [1, 1, 2, 2])],
      count: 8 * 32 * 40,
      reason: /Resize .* has the mode "cubic"/,
    },
    {
      title: 'Erf outside of a GELU',
      nodes: [node('Erf', ['wide'], 'y')],
      count: 8 * HW,
      reason: /Erf .* is not part of a GELU/,
    },
    {
      title: 'padding by reflection',
      nodes: [node('Pad', ['wide', 'pads'], 'y', { mode: text('reflect') })],
      initializers: [ints('pads', [0, 0, 1, 1, 0, 0, 1, 1])],
      count: 8 * 18 * 22,
      reason: /Pad .* pads with something else than zeros/,
    },
    {
      title: 'a product across the batch',
      nodes: [node('Transpose', ['wide'], 't', { perm: list(1, 0, 2, 3) }), node('Reshape', ['t', 'flat'], 'y')],
      initializers: [ints('flat', [1, -1])],
      count: 8 * HW,
      reason: /Reshape .*: The batch axis is moved/,
    },
  ];

  test.each(refusals)('$title: still good for features', async (each) => {
    const result = await (await openOnnx(fileOf(each), 'model.onnx')).architecture();
    expect(result.kind).toBe('extractor');
    expect('reason' in result ? result.reason : '').toMatch(each.reason);
  });

  test.each([
    [[1, 16, 16], /3 axes/],
    [['batch', 1, 16, 16], /1 channels; RGB has 3/],
  ])('an input of shape %j', async (input, reason) => {
    const blob = onnxFile({ nodes: [node('Relu', ['x'], 'output')], input });
    const result = await (await openOnnx(blob, 'model.onnx')).architecture();
    expect(result).toMatchObject({ kind: 'unsupported', reason: expect.stringMatching(reason) });
  });
});

describe('layouts and sizes', () => {
  test('a file that reads channels last', async () => {
    const blob = onnxFile({
      nodes: [
        node('Transpose', ['x'], 't', { perm: list(0, 3, 1, 2) }),
        node('Conv', ['t', 'w'], 'c', { strides: list(2, 2) }),
        node('Flatten', ['c'], 'f'),
        node('MatMul', ['f', 'fc'], 'output'),
      ],
      initializers: [weights('w', [4, 3, 2, 2]), weights('fc', [4 * 8 * 10, 5])],
      input: ['batch', HEIGHT, WIDTH, 3],
    });
    const images = randomImages(SHAPE);
    const { output } = await importedOutput(engine, blob, images, SHAPE);
    const expected = await runtimeOutput(blob, images, SHAPE, { layout: 'NHWC' });
    expect(relativeDifference(expected, output)).toBeLessThan(TOLERANCE);
  });

  test('a free height and width become 224', async () => {
    const blob = onnxFile({
      nodes: [node('Conv', ['x', 'w'], 'c'), node('GlobalAveragePool', ['c'], 'g'), node('Flatten', ['g'], 'output')],
      initializers: [weights('w', [4, 3, 3, 3])],
      input: ['batch', 3, 'height', 'width'],
    });
    const { graph } = await imported(blob);
    expect(graph.nodes[0].shape).toEqual([224, 224, 3]);
    // Without a classifier the output itself is the embedding.
    expect(graph.features).toBe(graph.output);
  });

  test('the softmax behind the logits is left out', async () => {
    const blob = onnxFile({
      nodes: [
        node('Conv', ['x', 'w'], 'c'),
        node('GlobalAveragePool', ['c'], 'g'),
        node('Flatten', ['g'], 'f'),
        node('Gemm', ['f', 'fc'], 'logits'),
        node('Softmax', ['logits'], 'output'),
      ],
      initializers: [weights('w', [4, 3, 3, 3]), weights('fc', [4, 5])],
    });
    const { graph } = await imported(blob);
    expect(graph.nodes.map(({ op }) => op)).not.toContain('softmax');
    const features = graph.nodes.find(({ id }) => id === graph.features);
    expect(features?.shape).toEqual([4]);
  });

  test('a classifier at every place, averaged, has the mean of what it reads as its features', async () => {
    const blob = onnxFile({
      nodes: [
        node('Conv', ['x', 'w'], 'c'),
        node('Conv', ['c', 'classifier'], 'maps'),
        node('Relu', ['maps'], 'r'),
        node('GlobalAveragePool', ['r'], 'g'),
        node('Flatten', ['g'], 'output'),
      ],
      initializers: [weights('w', [4, 3, 3, 3]), weights('classifier', [5, 4, 1, 1])],
    });
    const { graph } = await imported(blob);
    expect(graph.nodes.find(({ id }) => id === graph.features)).toMatchObject({ op: 'global_avg_pool', shape: [4] });
  });
});
