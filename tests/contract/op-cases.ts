// What every operation is tried on: small shapes, each with something that an implementation can get wrong.

import { samePadding } from '$lib/graph/padding';
import type { ActivationKind, OpAttributes, OpName, Shape } from '$lib/graph/types';

export interface OpCase<Op extends OpName> {
  title: string;
  /** Per sample. */
  inputs: readonly Shape[];
  attributes: OpAttributes[Op];
  batch?: number;
  training?: boolean;
  bias?: boolean;
  /** Activation that the layer applies itself. */
  fused?: 'relu' | 'relu6';
  /** Inputs are drawn from [-range, range]; default 2. */
  range?: number;
  /** Batch size of single inputs where it differs: learned tensors have 1. */
  batches?: readonly number[];
}

const plain = { strides: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1] } as const;
const image: Shape = [5, 6, 4];

const activations: Record<ActivationKind, number> = {
  relu: 2,
  relu6: 9,
  leaky_relu: 2,
  sigmoid: 4,
  tanh: 3,
  silu: 4,
  gelu: 3,
  gelu_tanh: 3,
  hard_sigmoid: 5,
  hard_swish: 5,
};

export const OP_CASES: { [Op in Exclude<OpName, 'input'>]: readonly OpCase<Op>[] } = {
  affine: [{ title: 'per channel', inputs: [image], attributes: { scale: [2, 0.5, -1, 3], shift: [0, 1, -2, 0.3] } }],
  conv2d: [
    { title: '1 x 1', inputs: [image], attributes: { ...plain, filters: 5, kernel: [1, 1], groups: 1 } },
    { title: '3 x 3, same size, with bias', inputs: [image], bias: true, attributes: { ...plain, filters: 3, kernel: [3, 3], padding: [1, 1, 1, 1], groups: 1 } }, // prettier-ignore
    { title: 'stride 2, symmetric padding', inputs: [[6, 6, 2]], attributes: { ...plain, filters: 3, kernel: [3, 3], strides: [2, 2], padding: [1, 1, 1, 1], groups: 1 } }, // prettier-ignore
    { title: 'stride 2, TensorFlow padding', inputs: [[6, 5, 2]], attributes: { ...plain, filters: 3, kernel: [3, 3], strides: [2, 2], padding: samePadding([6, 5], 3, 2), groups: 1 } }, // prettier-ignore
    { title: '1 x 1 with stride 2', inputs: [[5, 5, 3]], attributes: { ...plain, filters: 2, kernel: [1, 1], strides: [2, 2], groups: 1 } }, // prettier-ignore
    { title: '7 x 7 stem, stride 2', inputs: [[9, 9, 3]], batch: 1, attributes: { ...plain, filters: 2, kernel: [7, 7], strides: [2, 2], padding: [3, 3, 3, 3], groups: 1 } }, // prettier-ignore
    { title: 'padding on one side, oblong kernel, unequal strides', inputs: [[5, 6, 2]], attributes: { ...plain, filters: 2, kernel: [2, 3], strides: [2, 1], padding: [0, 1, 2, 0], groups: 1 } }, // prettier-ignore
    { title: 'with bias and ReLU6', inputs: [image], bias: true, fused: 'relu6', range: 6, attributes: { ...plain, filters: 5, kernel: [1, 1], groups: 1 } }, // prettier-ignore
    { title: 'with ReLU, no bias', inputs: [image], fused: 'relu', attributes: { ...plain, filters: 5, kernel: [3, 3], padding: [1, 1, 1, 1], groups: 1 } }, // prettier-ignore
    { title: 'dilated', inputs: [[7, 7, 2]], attributes: { ...plain, filters: 2, kernel: [3, 3], padding: [2, 2, 2, 2], dilation: [2, 2], groups: 1 } }, // prettier-ignore
    { title: 'grouped, with bias', inputs: [image], bias: true, attributes: { ...plain, filters: 6, kernel: [3, 3], padding: [1, 1, 1, 1], groups: 2 } }, // prettier-ignore
    { title: 'patches without overlap', inputs: [[8, 8, 3]], bias: true, batch: 1, attributes: { ...plain, filters: 5, kernel: [4, 4], strides: [4, 4], groups: 1 } }, // prettier-ignore
  ],
  depthwise_conv2d: [
    { title: '3 x 3', inputs: [image], attributes: { ...plain, kernel: [3, 3], padding: [1, 1, 1, 1], multiplier: 1 } },
    { title: 'stride 2, symmetric padding', inputs: [[6, 6, 5]], attributes: { ...plain, kernel: [3, 3], strides: [2, 2], padding: [1, 1, 1, 1], multiplier: 1 } }, // prettier-ignore
    { title: 'stride 2, TensorFlow padding', inputs: [[6, 6, 4]], attributes: { ...plain, kernel: [3, 3], strides: [2, 2], padding: samePadding([6, 6], 3, 2), multiplier: 1 } }, // prettier-ignore
    { title: 'oblong kernel, equal padding, unequal strides', inputs: [[6, 7, 3]], attributes: { ...plain, kernel: [3, 2], strides: [2, 1], padding: [1, 1, 1, 1], multiplier: 1 } }, // prettier-ignore
    { title: '5 x 5, with bias', inputs: [[5, 5, 3]], bias: true, attributes: { ...plain, kernel: [5, 5], padding: [2, 2, 2, 2], multiplier: 1 } }, // prettier-ignore
    { title: 'with bias and ReLU6', inputs: [image], bias: true, fused: 'relu6', range: 4, attributes: { ...plain, kernel: [3, 3], padding: [1, 1, 1, 1], multiplier: 1 } }, // prettier-ignore
    { title: 'two filters a channel, padding on one side', inputs: [[5, 4, 3]], attributes: { ...plain, kernel: [2, 3], padding: [1, 0, 0, 2], multiplier: 2 } }, // prettier-ignore
    { title: 'dilated', inputs: [[7, 7, 2]], attributes: { ...plain, kernel: [3, 3], padding: [2, 2, 2, 2], dilation: [2, 2], multiplier: 1 } }, // prettier-ignore
  ],
  conv_transpose2d: [
    { title: '2 x 2, stride 2, with bias', inputs: [[3, 3, 3]], bias: true, attributes: { filters: 2, kernel: [2, 2], strides: [2, 2], padding: [0, 0, 0, 0], outputPadding: [0, 0] } }, // prettier-ignore
    { title: '4 x 4, stride 2, padding 1', inputs: [[3, 4, 2]], attributes: { filters: 3, kernel: [4, 4], strides: [2, 2], padding: [1, 1, 1, 1], outputPadding: [0, 0] } }, // prettier-ignore
    { title: '3 x 3, stride 2, padding and output padding 1', inputs: [[3, 3, 2]], attributes: { filters: 2, kernel: [3, 3], strides: [2, 2], padding: [1, 1, 1, 1], outputPadding: [1, 1] } }, // prettier-ignore
  ],
  linear: [
    { title: 'on a vector', inputs: [[7]], bias: true, batch: 3, attributes: { features: 4 } },
    { title: 'on tokens, no bias', inputs: [[3, 6]], attributes: { features: 5 } },
    { title: 'on an image', inputs: [[2, 3, 4]], bias: true, attributes: { features: 3 } },
  ],
  cosine_linear: [
    { title: 'on a vector', inputs: [[7]], batch: 3, attributes: { features: 4, scale: 16 } },
    { title: 'on tokens', inputs: [[3, 6]], attributes: { features: 5, scale: 1 } },
  ],
  batch_norm: [
    { title: 'evaluation', inputs: [image], attributes: { epsilon: 1e-3, momentum: 0.1 } },
    { title: 'evaluation with ReLU', inputs: [image], fused: 'relu', attributes: { epsilon: 1e-3, momentum: 0.1 } },
    { title: 'training', inputs: [image], training: true, attributes: { epsilon: 1e-3, momentum: 0.1 } },
    { title: 'training with ReLU', inputs: [image], training: true, fused: 'relu', attributes: { epsilon: 1e-5, momentum: 0.1 } }, // prettier-ignore
    { title: 'training with ReLU6', inputs: [image], training: true, fused: 'relu6', attributes: { epsilon: 1e-5, momentum: 0.1 } }, // prettier-ignore
    { title: 'training on vectors', inputs: [[5]], batch: 6, training: true, attributes: { epsilon: 1e-5, momentum: 0.1 } }, // prettier-ignore
  ],
  layer_norm: [
    { title: 'on tokens', inputs: [[3, 8]], attributes: { epsilon: 1e-6 } },
    { title: 'on an image', inputs: [[2, 3, 5]], attributes: { epsilon: 1e-5 } },
  ],
  group_norm: [
    { title: 'two groups', inputs: [[3, 4, 6]], attributes: { groups: 2, epsilon: 1e-5 } },
    { title: 'one group', inputs: [[3, 3, 4]], attributes: { groups: 1, epsilon: 1e-5 } },
  ],
  activation: Object.entries(activations).map(([kind, range]) => ({
    title: kind,
    inputs: [image],
    range,
    attributes: { kind: kind as ActivationKind, ...(kind === 'leaky_relu' ? { slope: 0.1 } : {}) },
  })),
  softmax: [
    { title: 'on vectors', inputs: [[6]], attributes: {} },
    { title: 'on tokens', inputs: [[3, 5]], attributes: {} },
  ],
  add: [
    { title: 'equal shapes', inputs: [image, image], attributes: {} },
    { title: 'an image and its channels', inputs: [[3, 4, 2], [2]], attributes: {} },
    {
      title: 'tokens and a learned position',
      inputs: [
        [3, 4],
        [3, 4],
      ],
      batches: [2, 1],
      attributes: {},
    },
  ],
  multiply: [
    { title: 'equal shapes', inputs: [image, image], attributes: {} },
    { title: 'an image and its gates', inputs: [[3, 4, 2], [1, 1, 2]], attributes: {} }, // prettier-ignore
    { title: 'an image and a learned scale', inputs: [[3, 4, 2], [2]], batches: [2, 1], attributes: {} },
  ],
  concat: [
    { title: 'channels of three', inputs: [[3, 2, 2], [3, 2, 1], [3, 2, 4]], attributes: { axis: -1 } }, // prettier-ignore
    { title: 'a learned token and tokens', inputs: [[1, 4], [3, 4]], batches: [1, 2], attributes: { axis: 0 } }, // prettier-ignore
  ],
  slice: [
    { title: 'channels', inputs: [image], attributes: { axis: -1, begin: 1, size: 2 } },
    { title: 'the first token', inputs: [[4, 3]], attributes: { axis: 0, begin: 0, size: 1 } },
  ],
  pad: [{ title: 'unequal sides', inputs: [[2, 3, 2]], attributes: { padding: [1, 0, 2, 3] } }],
  max_pool: [
    { title: '2 x 2', inputs: [[4, 6, 3]], attributes: { kernel: [2, 2], strides: [2, 2], padding: [0, 0, 0, 0] } },
    { title: '3 x 3, stride 2, padded', inputs: [[6, 6, 3]], attributes: { kernel: [3, 3], strides: [2, 2], padding: [1, 1, 1, 1] } }, // prettier-ignore
    { title: 'TensorFlow padding', inputs: [[6, 6, 2]], attributes: { kernel: [3, 3], strides: [2, 2], padding: [0, 1, 0, 1] } }, // prettier-ignore
  ],
  avg_pool: [
    { title: '2 x 2', inputs: [[4, 6, 3]], attributes: { kernel: [2, 2], strides: [2, 2], padding: [0, 0, 0, 0], countIncludePad: true } }, // prettier-ignore
    { title: 'padding counted', inputs: [[5, 5, 2]], attributes: { kernel: [3, 3], strides: [1, 1], padding: [1, 1, 1, 1], countIncludePad: true } }, // prettier-ignore
    { title: 'padding not counted', inputs: [[6, 5, 2]], attributes: { kernel: [3, 3], strides: [2, 2], padding: [1, 1, 1, 1], countIncludePad: false } }, // prettier-ignore
  ],
  global_avg_pool: [
    { title: 'to a vector', inputs: [image], attributes: { keepDims: false } },
    { title: 'to one pixel', inputs: [image], attributes: { keepDims: true } },
  ],
  dropout: [
    { title: 'training', inputs: [[20]], training: true, attributes: { rate: 0.4 } },
    { title: 'evaluation', inputs: [[20]], attributes: { rate: 0.4 } },
  ],
  drop_path: [
    { title: 'training', inputs: [[3, 3, 2]], batch: 8, training: true, attributes: { rate: 0.5 } },
    { title: 'evaluation', inputs: [[3, 3, 2]], attributes: { rate: 0.5 } },
  ],
  resize: [
    { title: 'bilinear, larger', inputs: [[3, 4, 2]], attributes: { size: [6, 9], method: 'bilinear', alignCorners: false } }, // prettier-ignore
    { title: 'bilinear, smaller', inputs: [[6, 7, 2]], attributes: { size: [4, 3], method: 'bilinear', alignCorners: false } }, // prettier-ignore
    { title: 'bilinear, corners aligned', inputs: [[3, 4, 2]], attributes: { size: [5, 9], method: 'bilinear', alignCorners: true } }, // prettier-ignore
    { title: 'nearest, twice as large', inputs: [[3, 2, 2]], attributes: { size: [6, 4], method: 'nearest', alignCorners: false } }, // prettier-ignore
    { title: 'nearest, odd ratio', inputs: [[3, 4, 2]], attributes: { size: [7, 3], method: 'nearest', alignCorners: false } }, // prettier-ignore
  ],
  reshape: [{ title: 'an image to tokens', inputs: [[2, 3, 4]], attributes: { shape: [6, 4] } }],
  transpose: [{ title: 'channels first', inputs: [[2, 3, 4]], attributes: { order: [2, 0, 1] } }],
  parameter: [{ title: 'a token', inputs: [], attributes: { shape: [1, 5] } }],
  attention: [
    { title: 'two heads', inputs: [[4, 6], [4, 6], [4, 6]], attributes: { heads: 2 } }, // prettier-ignore
    { title: 'one query, values of another width', inputs: [[1, 4], [3, 4], [3, 6]], attributes: { heads: 2 } }, // prettier-ignore
    { title: 'learned queries', inputs: [[2, 4], [3, 4], [3, 4]], attributes: { heads: 2 }, batches: [1, 2, 2] }, // prettier-ignore
  ],
};
