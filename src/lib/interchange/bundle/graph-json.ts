// A graph from JSON: every attribute of every operation checked, then the whole for sense, so that what comes out can be run.

import { TrainyardError } from '$lib/core/errors';
import { inferShape, parameterRoles } from '$lib/graph/ops';
import { sameShape } from '$lib/graph/ops/operation';
import type {
  Graph,
  GraphNode,
  Initializer,
  NodeOf,
  OpAttributes,
  OpName,
  Padding,
  Pair,
  ParameterSpecification,
  Shape,
} from '$lib/graph/types';
import { boolean, dictionary, integer, invalid, list, number, object, oneOf, optional, pair, text } from '../decode';
import type { Decoder } from '../decode';

const positive = integer(1);
const size: Decoder<Pair> = pair(positive);
const shape: Decoder<Shape> = (value, path) => {
  const lengths = list(positive)(value, path);
  if (lengths.reduce((product, length) => product * length, 1) > 2 ** 32) throw invalid(path, value, 'a smaller shape');
  return lengths;
};
const padding: Decoder<Padding> = (value, path) => {
  const [top, bottom, left, right, ...rest] = list(integer(0))(value, path);
  if (right === undefined || rest.length > 0) throw invalid(path, value, 'a list of four');
  return [top, bottom, left, right];
};

const ACTIVATION = oneOf(
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
);

type Attributes = { [Op in OpName]: Decoder<OpAttributes[Op]> };

const nothing: Decoder<Record<string, never>> = object<Record<string, never>>({});
const pool = { kernel: size, strides: size, padding };

const ATTRIBUTES: Attributes = {
  input: object<OpAttributes['input']>({ shape }),
  affine: object<OpAttributes['affine']>({ scale: list(number), shift: list(number) }),
  conv2d: object<OpAttributes['conv2d']>({
    filters: positive,
    kernel: size,
    strides: size,
    padding,
    dilation: size,
    groups: positive,
  }),
  depthwise_conv2d: object<OpAttributes['depthwise_conv2d']>({
    kernel: size,
    strides: size,
    padding,
    dilation: size,
    multiplier: positive,
  }),
  conv_transpose2d: object<OpAttributes['conv_transpose2d']>({
    filters: positive,
    kernel: size,
    strides: size,
    padding,
    outputPadding: pair(integer(0)),
  }),
  linear: object<OpAttributes['linear']>({ features: positive }),
  cosine_linear: object<OpAttributes['cosine_linear']>({ features: positive, scale: number }),
  batch_norm: object<OpAttributes['batch_norm']>({ epsilon: number, momentum: number }),
  layer_norm: object<OpAttributes['layer_norm']>({ epsilon: number }),
  group_norm: object<OpAttributes['group_norm']>({ groups: positive, epsilon: number }),
  activation: object<OpAttributes['activation']>({ kind: ACTIVATION, slope: optional(number) }),
  softmax: nothing,
  add: nothing,
  multiply: nothing,
  concat: object<OpAttributes['concat']>({ axis: integer(-8) }),
  slice: object<OpAttributes['slice']>({ axis: integer(-8), begin: integer(0), size: positive }),
  pad: object<OpAttributes['pad']>({ padding }),
  max_pool: object<OpAttributes['max_pool']>(pool),
  avg_pool: object<OpAttributes['avg_pool']>({ ...pool, countIncludePad: boolean }),
  global_avg_pool: object<OpAttributes['global_avg_pool']>({ keepDims: boolean }),
  dropout: object<OpAttributes['dropout']>({ rate: number }),
  drop_path: object<OpAttributes['drop_path']>({ rate: number }),
  resize: object<OpAttributes['resize']>({ size, method: oneOf('nearest', 'bilinear'), alignCorners: boolean }),
  reshape: object<OpAttributes['reshape']>({ shape }),
  transpose: object<OpAttributes['transpose']>({ order: list(integer(0)) }),
  parameter: object<OpAttributes['parameter']>({ shape }),
  attention: object<OpAttributes['attention']>({ heads: positive }),
};

const INITIALIZERS: { [Kind in Initializer['kind']]: Decoder<Extract<Initializer, { kind: Kind }>> } = {
  zeros: object<{ kind: 'zeros' }>({ kind: oneOf('zeros') }),
  ones: object<{ kind: 'ones' }>({ kind: oneOf('ones') }),
  constant: object<{ kind: 'constant'; value: number }>({ kind: oneOf('constant'), value: number }),
  normal: object<{ kind: 'normal'; std: number }>({ kind: oneOf('normal'), std: number }),
  truncated_normal: object<{ kind: 'truncated_normal'; std: number }>({
    kind: oneOf('truncated_normal'),
    std: number,
  }),
  uniform: object<{ kind: 'uniform'; bound: number }>({ kind: oneOf('uniform'), bound: number }),
};

/** Keys of a table, typed. */
function keysOf<Key extends string>(table: Readonly<Record<Key, unknown>>): Key[] {
  return Object.keys(table) as Key[]; // Object.keys forgets the type of its argument's keys.
}

const initializer: Decoder<Initializer> = (value, path) => {
  const { kind } = object<{ kind: Initializer['kind'] }>({ kind: oneOf(...keysOf(INITIALIZERS)) })(value, path);
  return INITIALIZERS[kind](value, path);
};

const specification: Decoder<ParameterSpecification> = object<ParameterSpecification>({
  name: text,
  shape,
  layout: oneOf('conv', 'depthwise', 'conv_transpose', 'linear', 'plain'),
  trainable: boolean,
  decay: boolean,
  initializer,
});

const opName = oneOf(...keysOf(ATTRIBUTES));

const node: Decoder<GraphNode> = (value, path) => {
  const { op } = object<{ op: OpName }>({ op: opName })(value, path);
  return nodeOf(op)(value, path);
};

function nodeOf<Op extends OpName>(op: Op): Decoder<GraphNode> {
  const attributes: Decoder<OpAttributes[Op]> = ATTRIBUTES[op];
  const decode = object<Pick<NodeOf<Op>, 'id' | 'inputs' | 'parameters' | 'shape'>>({
    id: text,
    inputs: list(text),
    parameters: dictionary(text),
    shape,
  });
  return (value, path) => {
    const rest = decode(value, path);
    const found = object<{ attributes: OpAttributes[Op] }>({ attributes })(value, path);
    const made: NodeOf<Op> = { ...rest, op, ...found };
    return made as GraphNode; // One member of the union, which TypeScript cannot see for a generic Op.
  };
}

const parts: Decoder<Graph> = object<Graph>({
  nodes: list(node),
  output: text,
  features: optional(text),
  parameters: list(specification),
});

/** Throws `bundle-invalid` when it is no graph that could be built. */
export const graphFromJson: Decoder<Graph> = (value, path) => {
  const graph = parts(value, path);
  checkGraph(graph);
  return graph;
};

function senseless(found: string): TrainyardError {
  return new TrainyardError(
    'bundle-invalid',
    `The bundle's model.json describes no working model: ${found}.`,
    'Export the model again.',
  );
}

function checkGraph({ nodes, output, features, parameters }: Graph): void {
  const shapes = new Map<string, Shape>();
  const specifications = new Map(parameters.map((parameter) => [parameter.name, parameter]));
  if (specifications.size !== parameters.length) throw senseless('two parameters have the same name');
  const used = new Set<string>();
  if (nodes[0]?.op !== 'input') throw senseless('its first layer is not the input');
  for (const [index, layer] of nodes.entries()) {
    const { id, op, inputs, attributes, shape: declared } = layer;
    if (shapes.has(id)) throw senseless(`two layers are called "${id}"`);
    if (op === 'input' && index > 0) throw senseless('it has two inputs');
    const inputShapes = inputs.map((input) => {
      const found = shapes.get(input);
      if (found === undefined) throw senseless(`layer "${id}" reads "${input}", which no earlier layer makes`);
      return found;
    });
    let inferred: Shape;
    try {
      inferred = inferShape(op, inputShapes, attributes);
    } catch (error) {
      if (error instanceof TrainyardError) throw senseless(`layer "${id}": ${error.message}`);
      throw error;
    }
    if (!sameShape(inferred, declared)) {
      throw senseless(`layer "${id}" gives [${inferred.join(', ')}], not [${declared.join(', ')}]`);
    }
    checkParameters(layer, inputShapes, specifications, used);
    shapes.set(id, declared);
  }
  const unused = parameters.find(({ name }) => !used.has(name));
  if (unused !== undefined) throw senseless(`no layer has the parameter "${unused.name}"`);
  for (const id of [output, features]) {
    if (id !== undefined && !shapes.has(id)) throw senseless(`there is no layer "${id}" to give out`);
  }
}

function checkParameters(
  { id, op, attributes, parameters }: GraphNode,
  inputShapes: readonly Shape[],
  specifications: ReadonlyMap<string, ParameterSpecification>,
  used: Set<string>,
): void {
  const roles = parameterRoles(op, inputShapes, attributes);
  for (const role of Object.keys(parameters)) {
    if (!roles.some((known) => known.role === role)) throw senseless(`layer "${id}" has no parameter "${role}"`);
  }
  for (const { role, optional: mayLack, shape: expected, layout } of roles) {
    const name: string | undefined = parameters[role];
    if (name === undefined) {
      if (mayLack) continue;
      throw senseless(`layer "${id}" lacks its parameter "${role}"`);
    }
    const found = specifications.get(name);
    if (found === undefined) throw senseless(`layer "${id}" reads the parameter "${name}", which there is not`);
    if (found.layout !== layout || !sameShape(found.shape, expected)) {
      throw senseless(`parameter "${name}" does not fit layer "${id}"`);
    }
    used.add(name);
  }
}
