// Writes graphs. A layer's name is its PyTorch module path, so that its parameters get their state-dict names; layers are
// written in the order of the state dict, which is the order of Graph.parameters.

import { TrainyardError } from '$lib/core/errors';
import { ones, resolveInitializer, torchDefault, zeros } from './initializers';
import type { Fans, InitializerRecipe } from './initializers';
import { inferShape, parameterRoles } from './ops';
import { pair } from './padding';
import type { Size } from './padding';
import type {
  ActivationKind,
  Graph,
  GraphNode,
  NodeOf,
  OpAttributes,
  OpName,
  Padding,
  Pair,
  ParameterSpecification,
  Shape,
} from './types';

/** The output of a node, to be given to the next layers. */
export interface Value {
  readonly id: string;
  readonly shape: Shape;
}

/** A number pads all four sides. */
type PaddingOption = number | Padding;

interface ConvolutionOptions {
  kernel: Size;
  stride?: Size;
  padding?: PaddingOption;
  dilation?: Size;
  /** Default true, as PyTorch. */
  bias?: boolean;
  /** Default: PyTorch's own start. */
  init?: InitializerRecipe;
  biasInit?: InitializerRecipe;
}

interface NormOptions {
  epsilon?: number;
  /** Of the scale; default ones. Zero makes a residual branch start as nothing. */
  init?: InitializerRecipe;
}

interface PoolOptions {
  kernel: Size;
  /** Default: the kernel. */
  stride?: Size;
  padding?: PaddingOption;
}

const NO_FANS: Fans = { fanIn: 1, fanOut: 1, groups: 1 };

function explicit(padding: PaddingOption): Padding {
  return typeof padding === 'number' ? [padding, padding, padding, padding] : padding;
}

export class GraphBuilder {
  /** The image batch. */
  readonly input: Value;
  readonly #nodes: GraphNode[] = [];
  readonly #ids = new Set<string>();
  readonly #parameters: ParameterSpecification[] = [];

  /** `imageSize` is [height, width]; three channels (RGB) unless said otherwise. */
  constructor(imageSize: Pair, channels = 3) {
    this.input = this.#node('input', 'input', [], { shape: [...imageSize, channels] });
  }

  conv2d(name: string, x: Value, options: ConvolutionOptions & { filters: number; groups?: number }): Value {
    const { filters, kernel, stride = 1, padding = 0, dilation = 1, groups = 1, bias = true } = options;
    const [kh, kw] = pair(kernel);
    const attributes = {
      filters,
      kernel: pair(kernel),
      strides: pair(stride),
      padding: explicit(padding),
      dilation: pair(dilation),
      groups,
    };
    const fans = { fanIn: (x.shape[2] / groups) * kh * kw, fanOut: filters * kh * kw, groups };
    return this.#node('conv2d', name, [x], attributes, weightAndBias(fans, bias, options));
  }

  depthwiseConv2d(name: string, x: Value, options: ConvolutionOptions & { multiplier?: number }): Value {
    const { kernel, stride = 1, padding = 0, dilation = 1, multiplier = 1, bias = true } = options;
    const [kh, kw] = pair(kernel);
    const attributes = {
      kernel: pair(kernel),
      strides: pair(stride),
      padding: explicit(padding),
      dilation: pair(dilation),
      multiplier,
    };
    const channels = x.shape[2];
    const fans = { fanIn: kh * kw, fanOut: channels * multiplier * kh * kw, groups: channels };
    return this.#node('depthwise_conv2d', name, [x], attributes, weightAndBias(fans, bias, options));
  }

  /** `padding` is PyTorch's: it shrinks the output. */
  convTranspose2d(
    name: string,
    x: Value,
    options: Omit<ConvolutionOptions, 'dilation'> & { filters: number; outputPadding?: Size },
  ): Value {
    const { filters, kernel, stride = 1, padding = 0, outputPadding = 0, bias = true } = options;
    const [kh, kw] = pair(kernel);
    const attributes = {
      filters,
      kernel: pair(kernel),
      strides: pair(stride),
      padding: explicit(padding),
      outputPadding: pair(outputPadding),
    };
    // PyTorch reads the fans off [in, out, kh, kw] as if it were a convolution's weight.
    const fans = { fanIn: filters * kh * kw, fanOut: x.shape[2] * kh * kw, groups: 1 };
    return this.#node('conv_transpose2d', name, [x], attributes, weightAndBias(fans, bias, options));
  }

  linear(
    name: string,
    x: Value,
    options: { features: number; bias?: boolean; init?: InitializerRecipe; biasInit?: InitializerRecipe },
  ): Value {
    const { features, bias = true } = options;
    const fans = { fanIn: x.shape[x.shape.length - 1], fanOut: features, groups: 1 };
    return this.#node('linear', name, [x], { features }, weightAndBias(fans, bias, options));
  }

  /** Directions alone count; no bias. */
  cosineLinear(name: string, x: Value, options: { features: number; scale: number; init?: InitializerRecipe }): Value {
    const { features, scale, init = torchDefault } = options;
    const fans = { fanIn: x.shape[x.shape.length - 1], fanOut: features, groups: 1 };
    return this.#node('cosine_linear', name, [x], { features, scale }, { fans, starts: { weight: init } });
  }

  batchNorm(name: string, x: Value, options: NormOptions & { momentum?: number } = {}): Value {
    const { epsilon = 1e-5, momentum = 0.1, init = ones } = options;
    const starts = { weight: init, bias: zeros, running_mean: zeros, running_var: ones };
    return this.#node('batch_norm', name, [x], { epsilon, momentum }, { fans: NO_FANS, starts });
  }

  layerNorm(name: string, x: Value, { epsilon = 1e-5, init = ones }: NormOptions = {}): Value {
    return this.#node('layer_norm', name, [x], { epsilon }, { fans: NO_FANS, starts: { weight: init, bias: zeros } });
  }

  groupNorm(name: string, x: Value, options: NormOptions & { groups: number }): Value {
    const { groups, epsilon = 1e-5, init = ones } = options;
    const starts = { weight: init, bias: zeros };
    return this.#node('group_norm', name, [x], { groups, epsilon }, { fans: NO_FANS, starts });
  }

  /** A learned tensor called `name`. */
  parameter(name: string, shape: Shape, init: InitializerRecipe): Value {
    return this.#node('parameter', name, [], { shape }, { fans: NO_FANS, starts: { value: init } });
  }

  activation(x: Value, kind: ActivationKind, options: { slope?: number; name?: string } = {}): Value {
    const { slope, name } = options;
    return this.#node('activation', name, [x], slope === undefined ? { kind } : { kind, slope });
  }

  softmax(x: Value, name?: string): Value {
    return this.#node('softmax', name, [x], {});
  }

  add(a: Value, b: Value, name?: string): Value {
    return this.#node('add', name, [a, b], {});
  }

  multiply(a: Value, b: Value, name?: string): Value {
    return this.#node('multiply', name, [a, b], {});
  }

  affine(x: Value, attributes: OpAttributes['affine'], name?: string): Value {
    return this.#node('affine', name, [x], attributes);
  }

  concat(inputs: readonly Value[], axis = -1, name?: string): Value {
    return this.#node('concat', name, inputs, { axis });
  }

  slice(x: Value, range: OpAttributes['slice'], name?: string): Value {
    return this.#node('slice', name, [x], range);
  }

  pad(x: Value, padding: PaddingOption, name?: string): Value {
    return this.#node('pad', name, [x], { padding: explicit(padding) });
  }

  maxPool(x: Value, options: PoolOptions, name?: string): Value {
    const { kernel, stride = kernel, padding = 0 } = options;
    const attributes = { kernel: pair(kernel), strides: pair(stride), padding: explicit(padding) };
    return this.#node('max_pool', name, [x], attributes);
  }

  /** `countIncludePad` is PyTorch's, default true. */
  avgPool(x: Value, options: PoolOptions & { countIncludePad?: boolean }, name?: string): Value {
    const { kernel, stride = kernel, padding = 0, countIncludePad = true } = options;
    const attributes = { kernel: pair(kernel), strides: pair(stride), padding: explicit(padding), countIncludePad };
    return this.#node('avg_pool', name, [x], attributes);
  }

  globalAvgPool(x: Value, options: { keepDims?: boolean; name?: string } = {}): Value {
    return this.#node('global_avg_pool', options.name, [x], { keepDims: options.keepDims ?? false });
  }

  /** No node at rate 0. */
  dropout(name: string, x: Value, rate: number): Value {
    return rate === 0 ? x : this.#node('dropout', name, [x], { rate });
  }

  /** Stochastic depth of a residual branch; no node at rate 0. */
  dropPath(name: string, x: Value, rate: number): Value {
    return rate === 0 ? x : this.#node('drop_path', name, [x], { rate });
  }

  resize(x: Value, attributes: OpAttributes['resize'], name?: string): Value {
    return this.#node('resize', name, [x], attributes);
  }

  reshape(x: Value, shape: Shape, name?: string): Value {
    return this.#node('reshape', name, [x], { shape });
  }

  transpose(x: Value, order: readonly number[], name?: string): Value {
    return this.#node('transpose', name, [x], { order });
  }

  attention(q: Value, k: Value, v: Value, heads: number, name?: string): Value {
    return this.#node('attention', name, [q, k, v], { heads });
  }

  /** The graph whose output is `output`. `features` names the pooled embedding before the classifier. */
  build(output: Value, options: { features?: Value } = {}): Graph {
    return {
      nodes: [...this.#nodes],
      output: output.id,
      ...(options.features === undefined ? {} : { features: options.features.id }),
      parameters: [...this.#parameters],
    };
  }

  #node<Op extends OpName>(
    op: Op,
    name: string | undefined,
    inputs: readonly Value[],
    attributes: OpAttributes[Op],
    start?: { fans: Fans; starts: Readonly<Record<string, InitializerRecipe>> },
  ): Value {
    const id = name ?? this.#freeId(op, inputs);
    if (this.#ids.has(id)) {
      throw new TrainyardError('graph-duplicate', `Two layers of the graph are called "${id}".`, 'Rename one.');
    }
    const shapes = inputs.map((value) => value.shape);
    const shape = named(id, () => inferShape(op, shapes, attributes));
    const parameters: Record<string, string> = {};
    for (const { role, ...specification } of parameterRoles(op, shapes, attributes)) {
      const recipe = start?.starts[role];
      if (recipe === undefined) continue; // an optional one that was not asked for
      const parameter = op === 'parameter' ? id : `${id}.${role}`;
      const { shape: parameterShape, layout, trainable, decay } = specification;
      const initializer = resolveInitializer(recipe, start?.fans ?? NO_FANS);
      this.#parameters.push({ name: parameter, shape: parameterShape, layout, trainable, decay, initializer });
      parameters[role] = parameter;
    }
    const node: NodeOf<Op> = { id, op, inputs: inputs.map((value) => value.id), attributes, parameters, shape };
    // NodeOf<Op> is one member of the union, which TypeScript cannot see for a generic Op.
    this.#nodes.push(node as GraphNode);
    this.#ids.add(id);
    return { id, shape };
  }

  /** Layers without parameters are called after what they read: 'bn1.relu', 'layer1.0.add'. */
  #freeId(op: OpName, inputs: readonly Value[]): string {
    const stem = `${inputs[0].id}.${op}`;
    for (let count = 1; ; count++) {
      const id = count === 1 ? stem : `${stem}_${count}`;
      if (!this.#ids.has(id)) return id;
    }
  }
}

function weightAndBias(
  fans: Fans,
  bias: boolean,
  { init = torchDefault, biasInit = torchDefault }: { init?: InitializerRecipe; biasInit?: InitializerRecipe },
): { fans: Fans; starts: Record<string, InitializerRecipe> } {
  return { fans, starts: bias ? { weight: init, bias: biasInit } : { weight: init } };
}

/** Runs a shape rule and says which layer it was that did not fit. */
function named<T>(id: string, rule: () => T): T {
  try {
    return rule();
  } catch (error) {
    if (!(error instanceof TrainyardError)) throw error;
    throw new TrainyardError(error.code, `Layer "${id}": ${error.message}`, error.hint, { cause: error });
  }
}
