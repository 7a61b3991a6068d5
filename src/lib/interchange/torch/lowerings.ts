// Every operation of the graph in PyTorch: the module that holds its parameters, and the line that computes it.
// Images are [batch, channels, height, width] there; every other rank keeps our order behind the batch axis.

import { resolveAxis } from '$lib/graph/ops/operation';
import type { ActivationKind, NodeOf, OpName, Padding, Pair, Shape } from '$lib/graph/types';
import { python } from './python';
import type { PythonValue } from './python';

export interface TorchInput {
  /** The Python expression of the tensor. */
  code: string;
  /** Per sample, in our order. */
  shape: Shape;
}

export interface TorchLayer {
  /** Constructor of the module that is registered under the node's id. */
  module?: string;
  /** The value of the node; `self_call` in it stands for the module. */
  value: string;
}

export type TorchLowering<Op extends OpName> = (node: NodeOf<Op>, inputs: readonly TorchInput[]) => TorchLayer;

/** Stands for the node's own module in `value`. */
export const MODULE = '{module}';

function call(name: string, ...args: readonly PythonValue[]): string {
  return `${name}(${args.map(python).join(', ')})`;
}

/** What PyTorch assumes anyway is left out. */
const DEFAULTS: Readonly<Record<string, readonly string[]>> = {
  stride: ['(1, 1)'],
  padding: ['0', '(0, 0)'],
  output_padding: ['(0, 0)'],
  dilation: ['(1, 1)'],
  groups: ['1'],
  bias: ['True'],
  keepdim: ['False'],
};

/** Arguments of layers, a comma in front of each. */
function options(values: Readonly<Record<string, PythonValue>>): string {
  return Object.entries(values)
    .filter(([name, value]) => !(DEFAULTS[name] ?? []).includes(python(value)))
    .map(([name, value]) => `, ${name}=${python(value)}`)
    .join('');
}

/** PyTorch's layers pad both sides alike; anything else is a step of its own. */
function paddingOf([top, bottom, left, right]: Padding): { symmetric: Pair } | { explicit: string } {
  if (top === bottom && left === right) return { symmetric: [top, left] };
  return { explicit: python([left, right, top, bottom]) };
}

function last(shape: Shape): number {
  return shape[shape.length - 1];
}

/** Images are turned around an expression that wants channels last. */
function channelsLast(x: TorchInput, make: (code: string) => string): string {
  if (x.shape.length !== 3) return make(x.code);
  return `${make(`${x.code}.permute(0, 2, 3, 1)`)}.permute(0, 3, 1, 2)`;
}

/** Dimension of the PyTorch tensor that is this per-sample axis of ours. */
function dimension(axis: number, rank: number): number {
  const resolved = resolveAxis(axis, rank);
  return rank === 3 ? [2, 3, 1][resolved] : resolved + 1;
}

type Convolution = { kernel: Pair; strides: Pair; padding: Padding; dilation: Pair };

function convolution(
  { kernel, strides, padding, dilation }: Convolution,
  parameters: Readonly<Record<string, string>>,
  [inputs, outputs, groups]: readonly [number, number, number],
  x: TorchInput,
): TorchLayer {
  const pads = paddingOf(padding);
  const rest = options({
    stride: strides,
    padding: 'symmetric' in pads ? pads.symmetric : 0,
    dilation,
    groups,
    bias: 'bias' in parameters,
  });
  const input = 'symmetric' in pads ? x.code : `F.pad(${x.code}, ${pads.explicit})`;
  return { module: `nn.Conv2d(${inputs}, ${outputs}, ${python(kernel)}${rest})`, value: `${MODULE}(${input})` };
}

const ACTIVATIONS: Readonly<Record<ActivationKind, (x: string, slope: number) => string>> = {
  relu: (x) => `F.relu(${x})`,
  relu6: (x) => `F.relu6(${x})`,
  leaky_relu: (x, slope) => `F.leaky_relu(${x}, ${slope})`,
  sigmoid: (x) => `torch.sigmoid(${x})`,
  tanh: (x) => `torch.tanh(${x})`,
  silu: (x) => `F.silu(${x})`,
  gelu: (x) => `F.gelu(${x})`,
  gelu_tanh: (x) => `F.gelu(${x}, approximate="tanh")`,
  hard_sigmoid: (x) => `F.hardsigmoid(${x})`,
  hard_swish: (x) => `F.hardswish(${x})`,
};

/** The input with as many axes as `rank`, ones in front of its own. */
function withRank(x: TorchInput, rank: number): string {
  const missing = rank - x.shape.length;
  if (missing === 0) return x.code;
  const shape = [-1, ...Array<number>(missing).fill(1), ...x.shape];
  const code = `${x.code}.reshape(${shape.join(', ')})`;
  return rank === 3 ? `${code}.permute(0, 3, 1, 2)` : code;
}

function binary<Op extends 'add' | 'multiply'>(sign: string): TorchLowering<Op> {
  return (_node, [a, b]) => {
    const rank = Math.max(a.shape.length, b.shape.length);
    return { value: `${withRank(a, rank)} ${sign} ${withRank(b, rank)}` };
  };
}

function perChannel(values: readonly number[], rank: number): string {
  const tensor = `torch.tensor([${values.join(', ')}])`;
  return rank === 3 ? `${tensor}.reshape(-1, 1, 1)` : tensor;
}

export const torchLowerings: { [Op in OpName]: TorchLowering<Op> } = {
  input: () => ({ value: 'image' }),
  affine: ({ attributes: { scale, shift } }, [x]) => {
    const rank = x.shape.length;
    return { value: `${x.code} * ${perChannel(scale, rank)} + ${perChannel(shift, rank)}` };
  },
  conv2d: ({ attributes, parameters }, [x]) =>
    convolution(attributes, parameters, [x.shape[2], attributes.filters, attributes.groups], x),
  depthwise_conv2d: ({ attributes, parameters }, [x]) => {
    const channels = x.shape[2];
    return convolution(attributes, parameters, [channels, channels * attributes.multiplier, channels], x);
  },
  conv_transpose2d: ({ attributes, parameters, shape: [height, width] }, [x]) => {
    const { filters, kernel, strides, padding, outputPadding } = attributes;
    const pads = paddingOf(padding);
    const rest = options({
      stride: strides,
      padding: 'symmetric' in pads ? pads.symmetric : 0,
      output_padding: outputPadding,
      bias: 'bias' in parameters,
    });
    const [top, , left] = padding;
    const cut = 'symmetric' in pads ? '' : `[:, :, ${top}:${top + height}, ${left}:${left + width}]`;
    return {
      module: `nn.ConvTranspose2d(${x.shape[2]}, ${filters}, ${python(kernel)}${rest})`,
      value: `${MODULE}(${x.code})${cut}`,
    };
  },
  linear: ({ attributes: { features }, parameters }, [x]) => ({
    module: `nn.Linear(${last(x.shape)}, ${features}${options({ bias: 'bias' in parameters })})`,
    value: channelsLast(x, (code) => `${MODULE}(${code})`),
  }),
  cosine_linear: ({ attributes: { features, scale } }, [x]) => ({
    module: `nn.Linear(${last(x.shape)}, ${features}, bias=False)`,
    value: channelsLast(
      x,
      (code) => `(F.linear(F.normalize(${code}, dim=-1), F.normalize(${MODULE}.weight, dim=-1)) * ${scale})`,
    ),
  }),
  batch_norm: ({ attributes: { epsilon, momentum } }, [x]) => {
    const rank = x.shape.length;
    const name = rank === 3 ? 'nn.BatchNorm2d' : 'nn.BatchNorm1d';
    return {
      module: `${name}(${last(x.shape)}${options({ eps: epsilon, momentum })})`,
      value: rank === 2 ? `${MODULE}(${x.code}.transpose(1, 2)).transpose(1, 2)` : `${MODULE}(${x.code})`,
    };
  },
  layer_norm: ({ attributes: { epsilon } }, [x]) => ({
    module: `nn.LayerNorm(${last(x.shape)}${options({ eps: epsilon })})`,
    value: channelsLast(x, (code) => `${MODULE}(${code})`),
  }),
  group_norm: ({ attributes: { groups, epsilon } }, [x]) => ({
    module: `nn.GroupNorm(${groups}, ${x.shape[2]}${options({ eps: epsilon })})`,
    value: `${MODULE}(${x.code})`,
  }),
  activation: ({ attributes: { kind, slope = 0 } }, [x]) => ({ value: ACTIVATIONS[kind](x.code, slope) }),
  softmax: (_node, [x]) => ({ value: `${x.code}.softmax(${dimension(-1, x.shape.length)})` }),
  add: binary<'add'>('+'),
  multiply: binary<'multiply'>('*'),
  concat: ({ attributes: { axis }, shape }, inputs) => {
    // A learned tensor has batch length 1 until it is joined with others.
    const names = inputs.map(({ code }) => `${code}.expand(image.shape[0], *${code}.shape[1:])`);
    return { value: `torch.cat((${names.join(', ')}), ${dimension(axis, shape.length)})` };
  },
  slice: ({ attributes: { axis, begin, size } }, [x]) => ({
    value: call(`${x.code}.narrow`, dimension(axis, x.shape.length), begin, size),
  }),
  pad: ({ attributes: { padding } }, [x]) => {
    const [top, bottom, left, right] = padding;
    return { value: `F.pad(${x.code}, ${python([left, right, top, bottom])})` };
  },
  max_pool: ({ attributes: { kernel, strides, padding } }, [x]) => {
    const pads = paddingOf(padding);
    // PyTorch's pools step by their kernel unless told otherwise.
    const rest = `${python(kernel)}, stride=${python(strides)}`;
    // PyTorch's own padding is at most half of the kernel.
    if ('symmetric' in pads && pads.symmetric.every((amount, axis) => 2 * amount <= kernel[axis])) {
      return { value: `F.max_pool2d(${x.code}, ${rest}${options({ padding: pads.symmetric })})` };
    }
    const [top, bottom, left, right] = padding;
    const around = python([left, right, top, bottom]);
    return { value: `F.max_pool2d(F.pad(${x.code}, ${around}, value=float("-inf")), ${rest})` };
  },
  avg_pool: ({ attributes: { kernel, strides, padding, countIncludePad } }, [x]) => {
    // PyTorch's pools step by their kernel unless told otherwise.
    const rest = `${python(kernel)}, stride=${python(strides)}`;
    if (padding.every((amount) => amount === 0)) return { value: `F.avg_pool2d(${x.code}, ${rest})` };
    const [top, bottom, left, right] = padding;
    const around = python([left, right, top, bottom]);
    const mean = (image: string): string => `F.avg_pool2d(F.pad(${image}, ${around}), ${rest})`;
    if (countIncludePad) return { value: mean(x.code) };
    return { value: `${mean(x.code)} / ${mean(`torch.ones_like(${x.code})`)}` };
  },
  global_avg_pool: ({ attributes: { keepDims } }, [x]) => ({
    value: `${x.code}.mean((2, 3)${options({ keepdim: keepDims })})`,
  }),
  dropout: ({ attributes: { rate } }, [x]) => ({ value: `F.dropout(${x.code}, ${rate}, self.training)` }),
  // Stochastic depth concerns training alone.
  drop_path: (_node, [x]) => ({ value: x.code }),
  resize: ({ attributes: { size, method, alignCorners } }, [x]) => {
    const mode = method === 'nearest' ? 'mode="nearest"' : `mode="bilinear", align_corners=${python(alignCorners)}`;
    return { value: `F.interpolate(${x.code}, ${python(size)}, ${mode})` };
  },
  reshape: ({ shape }, [x]) => {
    const ours = x.shape.length === 3 ? `${x.code}.permute(0, 2, 3, 1)` : x.code;
    // From the input, since a learned tensor has batch length 1.
    const code = `${ours}.reshape(${x.code}.shape[0], ${shape.join(', ')})`;
    return { value: shape.length === 3 ? `${code}.permute(0, 3, 1, 2)` : code };
  },
  transpose: ({ attributes: { order }, shape }, [x]) => {
    const ours = x.shape.length === 3 ? `${x.code}.permute(0, 2, 3, 1)` : x.code;
    const code = `${ours}.permute(0, ${order.map((axis) => axis + 1).join(', ')})`;
    return { value: shape.length === 3 ? `${code}.permute(0, 3, 1, 2)` : code };
  },
  parameter: ({ shape }) => {
    const code = `${MODULE}.reshape(1, ${shape.join(', ')})`;
    return {
      module: `nn.Parameter(torch.zeros(${shape.join(', ')}))`,
      value: shape.length === 3 ? `${code}.permute(0, 3, 1, 2)` : code,
    };
  },
  attention: ({ attributes: { heads } }, inputs) => {
    const names = inputs.map(({ code }) => code).join(', ');
    return { value: `attention(${names}, ${heads})` };
  },
};
