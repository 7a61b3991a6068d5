// Operations on constants alone: computed while the graph is read.

import { elements } from '$lib/graph/ops/operation';
import {
  combined,
  constant,
  expanded,
  filled,
  joined,
  known,
  mapped,
  numbers,
  permuted,
  picked,
  range,
  reshaped,
  sliced,
  withKind,
} from '../constant';
import type { Constant } from '../constant';
import type { NodeReader, Reader } from '../importer';
import { isPath } from '../names';
import { axisOf } from '../traced';

type Compute = (x: number, y: number) => number;

function binary(compute: Compute, kind?: Constant['kind']): Reader {
  return (node) => combined(node.constant(0), node.constant(1), compute, kind);
}

function unary(compute: (x: number) => number, kind?: Constant['kind']): Reader {
  return (node) => mapped(node.constant(0), compute, kind);
}

const divide: Reader = (node) => {
  const a = node.constant(0);
  // Integer division goes towards zero.
  return combined(a, node.constant(1), a.kind === 'integer' ? (x, y) => Math.trunc(x / y) : (x, y) => x / y);
};

const attributeValue: Reader = (node) => {
  const { attributes } = node.node;
  const tensor = attributes.get('value');
  if (tensor?.type === 'tensor') return node.importer.stored(tensor.value, node.node.outputs[0]);
  const number = attributes.get('value_float') ?? attributes.get('value_int');
  if (number?.type === 'float' || number?.type === 'int') {
    return known([], number.type === 'int' ? 'integer' : 'float', [number.value]);
  }
  const list = attributes.get('value_floats') ?? attributes.get('value_ints');
  if (list?.type === 'floats' || list?.type === 'ints') {
    return known([list.value.length], list.type === 'ints' ? 'integer' : 'float', list.value);
  }
  throw node.unsupported('holds no numbers');
};

const constantOfShape: Reader = async (node) => {
  const shape = await numbers(node.constant(0));
  const tensor = node.node.attributes.get('value');
  if (tensor?.type !== 'tensor') return filled(shape, 0, 'float');
  const source = node.importer.stored(tensor.value, null);
  const [value = 0] = await numbers(source);
  return filled(shape, value, source.kind);
};

/** The shape that Reshape asks for: 0 copies an axis, -1 is what is left. */
export async function reshapeTarget(node: NodeReader, from: readonly number[]): Promise<number[]> {
  const wanted = await node.setting(1, 'shape');
  if (wanted === null) throw node.unsupported('says no shape');
  const allowZero = node.int('allowzero', 0) === 1;
  const target = wanted.map((length, at) => (length === 0 && !allowZero ? (from[at] ?? 0) : length));
  const left = target.indexOf(-1);
  if (left >= 0) {
    const rest = target.reduce((product, length, at) => (at === left ? product : product * length), 1);
    target[left] = rest === 0 ? 0 : elements(from) / rest;
  }
  if (target.some((length) => !Number.isInteger(length) || length < 0) || elements(target) !== elements(from)) {
    throw node.unsupported(`makes [${wanted.join(', ')}] of [${from.join(', ')}]`);
  }
  return target;
}

/** Shape without the axes of length 1 that the node names, or all such. */
export async function squeezed(node: NodeReader, shape: readonly number[]): Promise<number[]> {
  const named = await node.setting(1, 'axes');
  const axes =
    named?.map((axis) => axisOf(axis, shape.length)) ?? shape.flatMap((length, at) => (length === 1 ? [at] : []));
  if (axes.some((axis) => shape[axis] !== 1)) throw node.unsupported('removes an axis that is longer than one');
  return shape.filter((_, at) => !axes.includes(at));
}

export async function unsqueezed(node: NodeReader, shape: readonly number[]): Promise<number[]> {
  const named = await node.setting(1, 'axes');
  if (named === null) throw node.unsupported('names no axes');
  const rank = shape.length + named.length;
  const axes = new Set(named.map((axis) => axisOf(axis, rank)));
  if (axes.size !== named.length || rank > 32) throw node.unsupported('names an axis twice');
  const rest = [...shape];
  return Array.from({ length: rank }, (_, at) => (axes.has(at) ? 1 : (rest.shift() ?? 1)));
}

export interface SliceRange {
  axis: number;
  begin: number;
  size: number;
  step: number;
}

/** Begin, size and step of each axis that a Slice cuts. */
export async function sliceRanges(node: NodeReader, shape: readonly number[]): Promise<SliceRange[]> {
  const starts = await node.setting(1, 'starts');
  const ends = await node.setting(2, 'ends');
  if (starts === null || ends === null) throw node.unsupported('names no range');
  const axes = (await node.setting(3, 'axes')) ?? starts.map((_, at) => at);
  const steps = (await node.setting(4, 'steps')) ?? starts.map(() => 1);
  if (ends.length !== starts.length || axes.length !== starts.length || steps.length !== starts.length) {
    throw node.unsupported('has lists of different length');
  }
  return starts.map((start, at) => {
    const axis = axisOf(axes[at], shape.length);
    const length = shape[axis];
    const step = steps[at];
    if (step === 0 || !Number.isInteger(step)) throw node.unsupported(`has a step of ${step}`);
    const from = (place: number): number => (place < 0 ? place + length : place);
    const clamp = (place: number, low: number, high: number): number => Math.min(Math.max(place, low), high);
    const begin = step > 0 ? clamp(from(start), 0, length) : clamp(from(start), 0, length - 1);
    const end = step > 0 ? clamp(from(ends[at]), 0, length) : clamp(from(ends[at]), -1, length - 1);
    return { axis, begin, size: Math.max(0, Math.ceil((end - begin) / step)), step };
  });
}

/** Lengths of the parts that Split makes. */
export async function splitLengths(node: NodeReader, length: number): Promise<readonly number[]> {
  const given = await node.setting(1, 'split');
  const count = node.node.outputs.length;
  const each = Math.ceil(length / count);
  const lengths = given ?? Array.from({ length: count }, (_, at) => Math.min(each, length - at * each));
  const sum = lengths.reduce((total, part) => total + part, 0);
  if (lengths.length !== count || sum !== length || lengths.some((part) => part < 1)) {
    throw node.unsupported(`splits ${length} into ${lengths.join(' + ')}`);
  }
  return lengths;
}

const reduce =
  (compute: Compute, start: number, mean = false): Reader =>
  async (node) => {
    const source = node.constant(0);
    const axes = (await node.setting(1, 'axes'))?.map((axis) => axisOf(axis, source.shape.length));
    const values = await numbers(source);
    if (axes !== undefined && axes.length !== source.shape.length)
      throw node.unsupported('reduces a part of a constant');
    const total = values.reduce((sum, value) => compute(sum, value), start);
    const shape = node.int('keepdims', 1) === 1 ? source.shape.map(() => 1) : [];
    return known(shape, source.kind, [mean ? total / values.length : total]);
  };

/** Lengths along the last axis, kept. */
const reduceL2: Reader = async (node) => {
  const source = node.constant(0);
  const rank = source.shape.length;
  const axes = (await node.setting(1, 'axes')) ?? [];
  if (axes.length !== 1 || axisOf(axes[0], rank) !== rank - 1 || node.int('keepdims', 1) !== 1) {
    throw node.unsupported('is not the length of vectors along the last axis');
  }
  const length = source.shape[rank - 1];
  const values = await source.read();
  const norms = new Float32Array(values.length / Math.max(1, length));
  for (let row = 0; row < norms.length; row++) {
    let sum = 0;
    for (let at = row * length; at < (row + 1) * length; at++) sum += values[at] ** 2;
    norms[row] = Math.sqrt(sum);
  }
  return constant([...source.shape.slice(0, -1), 1], 'float', () => Promise.resolve(norms));
};

const where: Reader = (node) => {
  const [condition, a, b] = [node.constant(0), node.constant(1), node.constant(2)];
  // Twice two: NaN marks what comes from b.
  const chosen = combined(condition, a, (truth, value) => (truth !== 0 ? value : NaN), a.kind);
  return combined(chosen, b, (value, other) => (Number.isNaN(value) ? other : value), a.kind);
};

/** int8 weights with their scale. */
const dequantize: Reader = (node) => {
  const source = node.constant(0);
  const along = (given: Constant | null): Constant | null => {
    if (given === null || elements(given.shape) === 1) return given === null ? null : reshaped(given, []);
    const axis = axisOf(node.int('axis', 1), source.shape.length);
    return reshaped(
      given,
      source.shape.map((length, at) => (at === axis ? length : 1)),
    );
  };
  const scale = along(node.constant(1)) ?? known([], 'float', [1]);
  const zero = along(node.optionalConstant(2)) ?? known([], 'integer', [0]);
  const result = combined(
    combined(source, zero, (x, y) => x - y, 'float'),
    scale,
    (x, y) => x * y,
    'float',
  );
  return { ...result, name: source.name };
};

/** TensorProto types that are floats. */
const FLOATS: readonly number[] = [1, 10, 11, 16];

export function castsToFloat(node: NodeReader): boolean {
  return FLOATS.includes(node.int('to', 1));
}

const slice: Reader = async (node) => {
  let source = node.constant(0);
  for (const { axis, begin, size, step } of await sliceRanges(node, source.shape)) {
    source = sliced(source, axis, begin, size, step);
  }
  return source;
};

const gather: Reader = async (node) => {
  const [source, places] = [node.constant(0), node.constant(1)];
  return picked(source, axisOf(node.int('axis', 0), source.shape.length), await numbers(places), places.shape);
};

const split: Reader = async (node) => {
  const source = node.constant(0);
  const axis = axisOf(node.int('axis', 0), source.shape.length);
  let begin = 0;
  return (await splitLengths(node, source.shape[axis])).map((length) => {
    const part = sliced(source, axis, begin, length, 1);
    begin += length;
    return part;
  });
};

const concat: Reader = (node) => {
  const sources = node.node.inputs.map((_, at) => node.constant(at));
  if (sources.length === 0) throw node.unsupported('joins nothing');
  return joined(sources, axisOf(node.int('axis', 1), sources[0].shape.length));
};

const rangeOf: Reader = async (node) => {
  const bounds = [node.constant(0), node.constant(1), node.constant(2)];
  const [[start], [limit], [step]] = await Promise.all(bounds.map(numbers));
  if (!(Math.abs(step) > 0)) throw node.unsupported(`has a step of ${step}`);
  return range(start, limit, step, bounds[0].kind);
};

const flatten: Reader = (node) => {
  const source = node.constant(0);
  const axis = node.int('axis', 1);
  const at = axis === source.shape.length ? axis : axisOf(axis, source.shape.length);
  return reshaped(source, [elements(source.shape.slice(0, at)), elements(source.shape.slice(at))]);
};

const truth = (value: boolean): number => (value ? 1 : 0);

/** By operation; every input is a constant. */
export const FOLDS: Readonly<Record<string, Reader>> = {
  Constant: attributeValue,
  ConstantOfShape: constantOfShape,
  Identity: (node) => {
    const source = node.constant(0);
    // PyTorch stores equal tensors once and gives the others their names so.
    const [name] = node.node.outputs;
    return isPath(name) ? { ...source, name } : source;
  },
  Dropout: (node) => node.constant(0),
  Cast: (node) => withKind(node.constant(0), castsToFloat(node) ? 'float' : 'integer'),
  Shape: (node) => shapeConstant(node, node.constant(0).shape),
  Size: (node) => known([], 'integer', [elements(node.constant(0).shape)]),
  Reshape: async (node) => reshaped(node.constant(0), await reshapeTarget(node, node.constant(0).shape)),
  Flatten: flatten,
  Squeeze: async (node) => reshaped(node.constant(0), await squeezed(node, node.constant(0).shape)),
  Unsqueeze: async (node) => reshaped(node.constant(0), await unsqueezed(node, node.constant(0).shape)),
  Transpose: (node) => {
    const source = node.constant(0);
    return permuted(source, node.list('perm') ?? source.shape.map((_, at) => source.shape.length - 1 - at));
  },
  Expand: async (node) => expanded(node.constant(0), await numbers(node.constant(1))),
  Slice: slice,
  Gather: gather,
  Split: split,
  Concat: concat,
  Range: rangeOf,
  Where: where,
  DequantizeLinear: dequantize,
  Add: binary((x, y) => x + y),
  Sub: binary((x, y) => x - y),
  Mul: binary((x, y) => x * y),
  Div: divide,
  Mod: binary((x, y) => x - y * Math.floor(x / y)),
  Pow: binary((x, y) => x ** y),
  Max: binary((x, y) => Math.max(x, y)),
  Min: binary((x, y) => Math.min(x, y)),
  Equal: binary((x, y) => truth(x === y), 'integer'),
  Less: binary((x, y) => truth(x < y), 'integer'),
  Greater: binary((x, y) => truth(x > y), 'integer'),
  And: binary((x, y) => truth(x !== 0 && y !== 0), 'integer'),
  Or: binary((x, y) => truth(x !== 0 || y !== 0), 'integer'),
  Not: unary((x) => truth(x === 0), 'integer'),
  Neg: unary((x) => -x),
  Abs: unary(Math.abs),
  Sqrt: unary(Math.sqrt),
  Reciprocal: unary((x) => 1 / x),
  Exp: unary(Math.exp),
  Log: unary(Math.log),
  Floor: unary(Math.floor),
  Ceil: unary(Math.ceil),
  ReduceProd: reduce((x, y) => x * y, 1),
  ReduceSum: reduce((x, y) => x + y, 0),
  ReduceMean: reduce((x, y) => x + y, 0, true),
  ReduceL2: reduceL2,
  ReduceMax: reduce((x, y) => Math.max(x, y), -Infinity),
};

/** From opset 15 on Shape may give a part. */
export function shapeConstant(node: NodeReader, shape: readonly number[]): Constant {
  const part = shape.slice(node.int('start', 0), node.node.attributes.has('end') ? node.int('end', 0) : undefined);
  return known([part.length], 'integer', part);
}
