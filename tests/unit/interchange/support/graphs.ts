// One or more small graphs for every operation, with everything that a lowering could get wrong: sides of different length,
// asymmetric padding, strides, groups, axes that move. Used by the contract test of the exports.
import { GraphBuilder } from '$lib/graph/builder';
import type { Value } from '$lib/graph/builder';
import { torchDefault, zeros } from '$lib/graph/initializers';
import type { ActivationKind, Graph, OpName, Shape } from '$lib/graph/types';

export interface GraphCase {
  /** The operation that the case is about. */
  op: OpName;
  title: string;
  graph: Graph;
}

const HEIGHT = 9;
const WIDTH = 12;

function build(make: (builder: GraphBuilder, image: Value) => Value): Graph {
  const builder = new GraphBuilder([HEIGHT, WIDTH]);
  return builder.build(make(builder, builder.input));
}

/** The image with eight channels instead of three. */
function eight(builder: GraphBuilder, image: Value): Value {
  return builder.conv2d('widen', image, { filters: 8, kernel: 1 });
}

/** [108, 8]: a sequence. */
function tokens(builder: GraphBuilder, image: Value): Value {
  return builder.reshape(eight(builder, image), [HEIGHT * WIDTH, 8]);
}

/** [8]: a vector. */
function vector(builder: GraphBuilder, image: Value): Value {
  return builder.globalAvgPool(eight(builder, image));
}

const ACTIVATIONS: readonly ActivationKind[] = [
  'relu',
  'relu6',
  'leaky_relu',
  'sigmoid',
  'tanh',
  'silu',
  'gelu',
  'gelu_tanh',
  'hard_sigmoid',
  'hard_swish',
];

export const graphCases: readonly GraphCase[] = [
  { op: 'input', title: 'read twice', graph: build((b, x) => b.add(x, x)) },
  {
    op: 'affine',
    title: 'on an image',
    graph: build((b, x) => b.affine(x, { scale: [1, -2, 0.5], shift: [0, 3, -1] })),
  },
  {
    op: 'affine',
    title: 'on a sequence',
    graph: build((b, x) => b.affine(b.reshape(x, [HEIGHT * WIDTH, 3]), { scale: [1, -2, 0.5], shift: [0, 3, -1] })),
  },
  {
    op: 'conv2d',
    title: 'stride 2 with the asymmetric padding of TensorFlow "same"',
    graph: build((b, x) => b.conv2d('conv', x, { filters: 5, kernel: [3, 4], stride: 2, padding: [0, 1, 1, 2] })),
  },
  {
    op: 'conv2d',
    title: 'dilated, without bias',
    graph: build((b, x) => b.conv2d('conv', x, { filters: 4, kernel: 3, dilation: [2, 3], padding: 2, bias: false })),
  },
  {
    op: 'conv2d',
    title: 'in four groups',
    graph: build((b, x) => b.conv2d('conv', eight(b, x), { filters: 12, kernel: 3, padding: 1, groups: 4 })),
  },
  {
    op: 'conv2d',
    title: 'with a batch norm that can be folded',
    graph: build((b, x) =>
      b.batchNorm('norm', b.conv2d('conv', x, { filters: 4, kernel: 3, bias: false }), { epsilon: 1e-3 }),
    ),
  },
  {
    op: 'depthwise_conv2d',
    title: 'asymmetric padding, two filters a channel',
    graph: build((b, x) =>
      b.depthwiseConv2d('conv', x, { kernel: [3, 5], padding: [2, 1, 0, 3], stride: 2, multiplier: 2 }),
    ),
  },
  {
    op: 'depthwise_conv2d',
    title: 'dilated, with a batch norm that can be folded',
    graph: build((b, x) =>
      b.batchNorm('norm', b.depthwiseConv2d('conv', x, { kernel: 3, padding: 2, dilation: 2, bias: false })),
    ),
  },
  {
    op: 'conv_transpose2d',
    title: 'stride 2 with output padding',
    graph: build((b, x) =>
      b.convTranspose2d('conv', x, { filters: 5, kernel: [3, 4], stride: 2, padding: 1, outputPadding: [1, 0] }),
    ),
  },
  {
    op: 'conv_transpose2d',
    title: 'asymmetric padding, without bias',
    graph: build((b, x) =>
      b.convTranspose2d('conv', x, { filters: 2, kernel: 4, stride: [2, 3], padding: [1, 2, 0, 1], bias: false }),
    ),
  },
  { op: 'linear', title: 'on a vector', graph: build((b, x) => b.linear('fc', vector(b, x), { features: 5 })) },
  {
    op: 'linear',
    title: 'on a sequence, without bias',
    graph: build((b, x) => b.linear('fc', tokens(b, x), { features: 5, bias: false })),
  },
  { op: 'linear', title: 'on a sequence', graph: build((b, x) => b.linear('fc', tokens(b, x), { features: 5 })) },
  ...['on a vector', 'on a sequence', 'on an image'].map((title, index): GraphCase => ({
    op: 'cosine_linear',
    title,
    graph: build((b, x) => b.cosineLinear('head', [vector, tokens, eight][index](b, x), { features: 5, scale: 12 })),
  })),
  { op: 'linear', title: 'on an image', graph: build((b, x) => b.linear('fc', x, { features: 5 })) },
  {
    op: 'batch_norm',
    title: 'that cannot be folded: its convolution is read twice',
    graph: build((b, x) => {
      const y = b.conv2d('conv', x, { filters: 4, kernel: 3 });
      return b.add(b.batchNorm('norm', y, { epsilon: 1e-3 }), y);
    }),
  },
  { op: 'batch_norm', title: 'on a sequence', graph: build((b, x) => b.batchNorm('norm', tokens(b, x))) },
  { op: 'batch_norm', title: 'on a vector', graph: build((b, x) => b.batchNorm('norm', vector(b, x))) },
  { op: 'layer_norm', title: 'on an image', graph: build((b, x) => b.layerNorm('norm', eight(b, x))) },
  {
    op: 'layer_norm',
    title: 'on a sequence',
    graph: build((b, x) => b.layerNorm('norm', tokens(b, x), { epsilon: 1e-3 })),
  },
  {
    op: 'group_norm',
    title: 'four groups',
    graph: build((b, x) => b.groupNorm('norm', eight(b, x), { groups: 4, epsilon: 1e-3 })),
  },
  ...ACTIVATIONS.map((kind): GraphCase => ({
    op: 'activation',
    title: kind,
    // Six times wider, so that both ends of the clipped ones are reached.
    graph: build((b, x) =>
      b.activation(
        b.affine(x, { scale: [20, 20, 20], shift: [-10, -8, -12] }),
        kind,
        kind === 'leaky_relu' ? { slope: 0.15 } : {},
      ),
    ),
  })),
  { op: 'softmax', title: 'of an image over its channels', graph: build((b, x) => b.softmax(eight(b, x))) },
  { op: 'softmax', title: 'of a sequence', graph: build((b, x) => b.softmax(tokens(b, x))) },
  { op: 'softmax', title: 'of a vector', graph: build((b, x) => b.softmax(vector(b, x))) },
  {
    op: 'add',
    title: 'an image and a vector',
    graph: build((b, x) => b.add(eight(b, x), b.globalAvgPool(eight2(b, x)))),
  },
  {
    op: 'add',
    title: 'an image and rows of its width',
    graph: build((b, x) => b.add(x, b.slice(b.reshape(x, [HEIGHT * WIDTH, 3]), { axis: 0, begin: 5, size: WIDTH }))),
  },
  {
    op: 'add',
    title: 'a sequence and a learned position',
    graph: build((b, x) => b.add(tokens(b, x), b.parameter('position', [HEIGHT * WIDTH, 8], torchDefault))),
  },
  {
    op: 'multiply',
    title: 'an image and a channel gate',
    graph: build((b, x) =>
      b.multiply(eight(b, x), b.activation(b.globalAvgPool(eight2(b, x), { keepDims: true }), 'sigmoid')),
    ),
  },
  {
    op: 'multiply',
    title: 'an image and a learned scale',
    graph: build((b, x) => b.multiply(eight(b, x), b.parameter('gamma', [8], torchDefault))),
  },
  { op: 'concat', title: 'of channels', graph: build((b, x) => b.concat([eight(b, x), x, x])) },
  { op: 'concat', title: 'of heights', graph: build((b, x) => b.concat([x, x], 0)) },
  {
    op: 'concat',
    title: 'of a learned token and a sequence',
    graph: build((b, x) => b.concat([b.parameter('token', [1, 8], torchDefault), tokens(b, x)], 0)),
  },
  { op: 'slice', title: 'of channels', graph: build((b, x) => b.slice(eight(b, x), { axis: -1, begin: 2, size: 3 })) },
  { op: 'slice', title: 'of widths', graph: build((b, x) => b.slice(x, { axis: 1, begin: 3, size: 4 })) },
  { op: 'slice', title: 'of tokens', graph: build((b, x) => b.slice(tokens(b, x), { axis: 0, begin: 0, size: 1 })) },
  { op: 'pad', title: 'four different sides', graph: build((b, x) => b.pad(x, [1, 2, 3, 0])) },
  {
    op: 'max_pool',
    title: 'asymmetric padding of negative values',
    graph: build((b, x) =>
      b.maxPool(b.affine(x, { scale: [1, 1, 1], shift: [-5, -5, -5] }), {
        kernel: 3,
        stride: 2,
        padding: [0, 1, 1, 1],
      }),
    ),
  },
  { op: 'max_pool', title: 'stride 1', graph: build((b, x) => b.maxPool(x, { kernel: 3, stride: 1, padding: 1 })) },
  { op: 'max_pool', title: 'without padding', graph: build((b, x) => b.maxPool(x, { kernel: [2, 3] })) },
  {
    op: 'avg_pool',
    title: 'padding counted',
    graph: build((b, x) => b.avgPool(x, { kernel: 3, stride: 2, padding: [1, 1, 0, 1] })),
  },
  {
    op: 'avg_pool',
    title: 'padding not counted',
    graph: build((b, x) =>
      b.avgPool(x, { kernel: [3, 4], stride: [2, 1], padding: [1, 1, 2, 1], countIncludePad: false }),
    ),
  },
  { op: 'avg_pool', title: 'without padding', graph: build((b, x) => b.avgPool(x, { kernel: 2 })) },
  { op: 'global_avg_pool', title: 'flat', graph: build((b, x) => b.globalAvgPool(x)) },
  { op: 'global_avg_pool', title: 'with axes kept', graph: build((b, x) => b.globalAvgPool(x, { keepDims: true })) },
  { op: 'dropout', title: 'nothing outside training', graph: build((b, x) => b.dropout('drop', x, 0.5)) },
  { op: 'drop_path', title: 'nothing outside training', graph: build((b, x) => b.dropPath('drop', x, 0.5)) },
  ...[
    { size: [18, 24], title: 'to twice the size' },
    { size: [7, 31], title: 'down and up by odd ratios' },
    { size: [1, 5], title: 'to one row' },
  ].flatMap(({ size: [height, width], title }): GraphCase[] =>
    [
      { method: 'bilinear' as const, alignCorners: false, name: 'bilinear' },
      { method: 'bilinear' as const, alignCorners: true, name: 'bilinear with aligned corners' },
      { method: 'nearest' as const, alignCorners: false, name: 'nearest' },
    ].map(({ method, alignCorners, name }) => ({
      op: 'resize',
      title: `${name} ${title}`,
      graph: build((b, x) => b.resize(x, { size: [height, width], method, alignCorners })),
    })),
  ),
  {
    op: 'reshape',
    title: 'flattened in our own order',
    graph: build((b, x) => b.linear('fc', b.reshape(x, [HEIGHT * WIDTH * 3]), { features: 4 })),
  },
  {
    op: 'reshape',
    title: 'of a sequence to an image',
    graph: build((b, x) => b.reshape(tokens(b, x), [HEIGHT / 3, WIDTH * 3, 8])),
  },
  {
    op: 'transpose',
    title: 'flattened in PyTorch’s order',
    graph: build((b, x) => b.linear('fc', b.reshape(b.transpose(x, [2, 0, 1]), [HEIGHT * WIDTH * 3]), { features: 4 })),
  },
  { op: 'transpose', title: 'of a sequence', graph: build((b, x) => b.transpose(tokens(b, x), [1, 0])) },
  { op: 'transpose', title: 'of an image', graph: build((b, x) => b.transpose(x, [1, 2, 0])) },
  {
    op: 'parameter',
    title: 'as an image of its own',
    graph: build((b, x) => b.multiply(x, b.parameter('mask', [HEIGHT, WIDTH, 1], torchDefault))),
  },
  {
    op: 'attention',
    title: 'two heads, three queries',
    graph: build((b, x) => {
      const y = tokens(b, x);
      const linear = (name: string): Value => b.linear(name, y, { features: 8, biasInit: zeros });
      const first = b.slice(y, { axis: 0, begin: 0, size: 3 });
      const queries = b.add(b.parameter('queries', [3, 8], torchDefault), first);
      return b.attention(queries, linear('k'), linear('v'), 2);
    }),
  },
  {
    op: 'attention',
    title: 'on itself, four heads',
    graph: build((b, x) => {
      const y = tokens(b, x);
      const [q, k, v] = ['q', 'k', 'v'].map((name) => b.linear(name, y, { features: 8 }));
      return b.attention(q, k, v, 4);
    }),
  },
];

/** A second widening layer, for graphs that need two. */
function eight2(builder: GraphBuilder, image: Value): Value {
  return builder.conv2d('widen2', image, { filters: 8, kernel: 1 });
}

export const caseSize: Shape = [HEIGHT, WIDTH, 3];
