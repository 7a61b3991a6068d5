// The model as data. A graph is plain and serialisable; engines, exporters and passes read it, nothing in it runs.
// Activations are NHWC, kernels HWIO, padding explicit [top, bottom, left, right]; shapes are per sample (no batch axis).

export type Padding = readonly [top: number, bottom: number, left: number, right: number];
export type Pair = readonly [height: number, width: number];
/** Per sample: [height, width, channels] for images, [tokens, channels] for sequences, [features] for vectors. */
export type Shape = readonly number[];

export type ActivationKind =
  'relu' | 'relu6' | 'leaky_relu' | 'sigmoid' | 'tanh' | 'silu' | 'gelu' | 'gelu_tanh' | 'hard_sigmoid' | 'hard_swish';

/**
 * The closed set of operations with their attributes. Adding one: a line here and a folder in graph/ops; the compiler
 * then names every table that lacks it.
 */
export interface OpAttributes {
  /** The image batch. `shape` is [height, width, channels]. */
  input: { shape: Shape };
  /** y = x * scale[c] + shift[c], constants, not trained. Normalisation enters a graph as this. */
  affine: { scale: readonly number[]; shift: readonly number[] };
  /** Grouped when groups > 1. Parameters: weight [kh, kw, in / groups, out], bias? [out]. */
  conv2d: { filters: number; kernel: Pair; strides: Pair; padding: Padding; dilation: Pair; groups: number };
  /** One filter per channel (times multiplier). Parameters: weight [kh, kw, in, multiplier], bias? [in * multiplier]. */
  depthwise_conv2d: { kernel: Pair; strides: Pair; padding: Padding; dilation: Pair; multiplier: number };
  /** Gradient of conv2d as a forward operation (PyTorch ConvTranspose2d). Parameters: weight [kh, kw, out, in], bias? [out]. */
  conv_transpose2d: { filters: number; kernel: Pair; strides: Pair; padding: Padding; outputPadding: Pair };
  /** On the last axis. Parameters: weight [in, out], bias? [out]. */
  linear: { features: number };
  /** scale * cos(x, weight of the output), on the last axis. Parameters: weight [in, out]. */
  cosine_linear: { features: number; scale: number };
  /** Parameters: weight, bias, running_mean, running_var, each [channels]. Momentum as PyTorch: running += momentum * (batch - running). */
  batch_norm: { epsilon: number; momentum: number };
  /** Over the last axis. Parameters: weight, bias. */
  layer_norm: { epsilon: number };
  /** Over space and the channels of a group. Parameters: weight, bias, each [channels]. */
  group_norm: { groups: number; epsilon: number };
  /** `slope` is used by leaky_relu alone. */
  activation: { kind: ActivationKind; slope?: number };
  /** Over the last axis. */
  softmax: Record<string, never>;
  /** Element-wise with NumPy broadcasting over the per-sample shape. */
  add: Record<string, never>;
  multiply: Record<string, never>;
  /** `axis` counts per-sample axes, negative from the end. */
  concat: { axis: number };
  slice: { axis: number; begin: number; size: number };
  /** Zero padding of height and width. */
  pad: { padding: Padding };
  /** Padded places never win (as if -infinity). */
  max_pool: { kernel: Pair; strides: Pair; padding: Padding };
  avg_pool: { kernel: Pair; strides: Pair; padding: Padding; countIncludePad: boolean };
  /** [h, w, c] -> [c], or [1, 1, c] with keepDims. */
  global_avg_pool: { keepDims: boolean };
  /** Nothing outside training. */
  dropout: { rate: number };
  /** Stochastic depth: drops the whole sample's branch, scales the rest by 1 / (1 - rate). Nothing outside training. */
  drop_path: { rate: number };
  resize: { size: Pair; method: 'nearest' | 'bilinear'; alignCorners: boolean };
  /** Per-sample shape. Order is NHWC's own; flattening for a PyTorch linear layer transposes first. */
  reshape: { shape: Shape };
  /** `order` permutes per-sample axes. */
  transpose: { order: readonly number[] };
  /** A learned tensor broadcast over the batch (class token, position embedding, layer scale). Parameters: value. */
  parameter: { shape: Shape };
  /** softmax(q k^T / sqrt(d)) v over [tokens, heads * d]; inputs q, k, v. */
  attention: { heads: number };
}

export type OpName = keyof OpAttributes;

/** A node of one operation. `GraphNode` is the union of them all; this form is for code that is generic in the operation. */
export interface NodeOf<Op extends OpName> {
  /** Unique in the graph; the dotted module path of the PyTorch model where there is one. */
  id: string;
  op: Op;
  /** Ids of the nodes whose outputs this one reads. */
  inputs: readonly string[];
  attributes: OpAttributes[Op];
  /** Role in the op ('weight', 'bias', 'running_mean', ...) -> name in Graph.parameters. */
  parameters: Readonly<Record<string, string>>;
  /** Output shape per sample, from the op's shape rule. */
  shape: Shape;
}

/** Discriminated by `op`. */
export type GraphNode = { [Op in OpName]: NodeOf<Op> }[OpName];
export type NodeFor<Op extends OpName> = Extract<GraphNode, { op: Op }>;

/** How a parameter starts. Fans are counted as PyTorch does (fan_in = in / groups * kh * kw). */
export type Initializer =
  | { kind: 'zeros' }
  | { kind: 'ones' }
  | { kind: 'constant'; value: number }
  | { kind: 'normal'; std: number }
  /** Truncated at two standard deviations. */
  | { kind: 'truncated_normal'; std: number }
  /** Uniform in [-bound, bound]. */
  | { kind: 'uniform'; bound: number };

export interface ParameterSpecification {
  /** The PyTorch state-dict name. */
  name: string;
  /** Our layout (HWIO, [in, out]). */
  shape: Shape;
  /** What decides the layout in PyTorch: 'conv' HWIO<->OIHW, 'depthwise' [h,w,c,m]<->[c*m,1,h,w], 'linear' transposed,
   * 'conv_transpose' [kh,kw,out,in]<->[in,out,kh,kw], 'plain' the same. */
  layout: 'conv' | 'depthwise' | 'conv_transpose' | 'linear' | 'plain';
  /** False for running statistics. */
  trainable: boolean;
  /** True for convolution and linear weights: what weight decay and layer freezing mean by "weight" as against norms and biases. */
  decay: boolean;
  initializer: Initializer;
}

export interface Graph {
  /** In topological order; the first is the input. */
  nodes: readonly GraphNode[];
  /** Id of the node whose output is the model's (logits). */
  output: string;
  /** Id of the node that gives the pooled features (embedding) before the classifier, when there is one. */
  features?: string;
  /** In the order of the PyTorch state dict. */
  parameters: readonly ParameterSpecification[];
}

/** Parameter values by name, in our layout. Owned by whoever holds the map. */
export type ParameterValues = ReadonlyMap<string, Float32Array>;
