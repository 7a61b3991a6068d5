// Activations and arithmetic between activations and constants, and the patterns that exporters write functions out in: SiLU,
// hard-swish, GELU by erf, layer normalisation, the scale of attention scores.

import { elements } from '$lib/graph/ops/operation';
import type { Value } from '$lib/graph/builder';
import type { ActivationKind } from '$lib/graph/types';
import { mapped, numbers, reshaped } from '../constant';
import type { Constant } from '../constant';
import type { NodeReader, Outcome, Reader } from '../importer';
import { inOrderOf, permute } from '../traced';
import type { Activation, Traced } from '../traced';
import { layerNorm } from './layers';

function withValue(x: Activation, value: Value): Activation {
  return { ...x, value };
}

export function activation(kind: ActivationKind, slope?: number): Reader {
  return (node) => activate(node, node.activation(0), kind, slope);
}

export function activate(node: NodeReader, x: Activation, kind: ActivationKind, slope?: number): Activation {
  const { builder, importer } = node;
  const value = builder.activation(x.value, kind, { name: node.name(), ...(slope === undefined ? {} : { slope }) });
  if (kind === 'sigmoid' || kind === 'hard_sigmoid') importer.gates.set(value.id, { x: x.value, kind });
  return withValue(x, value);
}

/** scale and shift alike for every element. */
function uniform(node: NodeReader, x: Activation, scale: number, shift: number): Activation {
  const length = x.value.shape.at(-1) ?? 1;
  const fill = (value: number): number[] => Array<number>(length).fill(value);
  return withValue(x, node.importer.affine(x.value, fill(scale), fill(shift)));
}

export const leakyRelu: Reader = (node) => activate(node, node.activation(0), 'leaky_relu', node.number('alpha', 0.01));

export const pRelu: Reader = async (node) => {
  const slope = node.constant(1);
  const values = await numbers(slope);
  if (new Set(values).size !== 1) throw node.unsupported('has a slope for each channel');
  return activate(node, node.activation(0), 'leaky_relu', values[0]);
};

/** Any finite bounds from relu6: low + (high - low) / 6 * relu6(6 (x - low) / (high - low)). */
function clipped(node: NodeReader, x: Activation, low: number, high: number): Activation {
  if (low === 0 && high === 6) return activate(node, x, 'relu6');
  if (low === 0 && high > 1e30) return activate(node, x, 'relu');
  const width = (high - low) / 6;
  if (!Number.isFinite(width) || width <= 0) throw node.unsupported(`limits to ${low}..${high}`);
  const inner = activate(node, uniform(node, x, 1 / width, -low / width), 'relu6');
  return uniform(node, inner, width, low);
}

export const clip: Reader = async (node) => {
  const bound = async (index: number, attribute: string, otherwise: number): Promise<number> => {
    const given = node.optionalConstant(index);
    if (given === null) return node.number(attribute, otherwise);
    const [value = otherwise] = await numbers(given);
    return value;
  };
  return clipped(node, node.activation(0), await bound(1, 'min', -Infinity), await bound(2, 'max', Infinity));
};

export const hardSigmoid: Reader = (node) => {
  const x = node.activation(0);
  const [alpha, beta] = [node.number('alpha', 0.2), node.number('beta', 0.5)];
  if (Math.abs(alpha - 1 / 6) < 1e-6 && Math.abs(beta - 0.5) < 1e-6) return activate(node, x, 'hard_sigmoid');
  return clipped(node, uniform(node, x, alpha, beta), 0, 1);
};

export const gelu: Reader = (node) =>
  activate(node, node.activation(0), node.text('approximate', 'none') === 'tanh' ? 'gelu_tanh' : 'gelu');

export const erf: Reader = (node) => {
  const x = node.activation(0);
  const step = node.importer.affineOf(x.value);
  const scaled = step !== null && step.scale.every((value) => Math.abs(value - Math.SQRT1_2) < 1e-5);
  if (!scaled || step.shift.some((value) => value !== 0)) throw node.unsupported('is not part of a GELU');
  return { what: 'erf', x: withValue(x, step.x), factor: 1, offset: 0 };
};

/** True where the two are the same values in the same order. */
function same(a: Activation, b: Activation): boolean {
  return a.value.id === b.value.id && a.axes.every((axis, at) => axis === b.axes[at]);
}

/** factor * (erf(x / sqrt 2) + 1) * y for y = c x is 2 * factor * c * gelu(x). */
function geluOf(node: NodeReader, { x, factor, offset }: Extract<Traced, { what: 'erf' }>, y: Activation): Activation {
  const step = same(x, y) ? null : node.importer.affineOf(y.value);
  const c = step?.scale[0] ?? 1;
  const multiple =
    same(x, y) ||
    (step !== null &&
      same(x, withValue(y, step.x)) &&
      step.scale.every((value) => value === c) &&
      step.shift.every((value) => value === 0));
  if (!multiple || Math.abs(offset - 1) > 1e-6) throw node.unsupported('makes something else than a GELU of erf');
  return uniform(node, activate(node, x, 'gelu'), 2 * factor * c, 0);
}

/** x * sigmoid(x) and x * hard_sigmoid(x). */
function gated(node: NodeReader, x: Activation, gate: Activation): Activation | null {
  const found = node.importer.gates.get(gate.value.id);
  if (found === undefined || !same(x, withValue(gate, found.x))) return null;
  return activate(node, x, found.kind === 'sigmoid' ? 'silu' : 'hard_swish');
}

function product(node: NodeReader, a: Activation, b: Activation): Traced {
  return gated(node, a, b) ?? gated(node, b, a) ?? both(node, a, b, 'multiply');
}

function both(node: NodeReader, a: Activation, b: Activation, op: 'add' | 'multiply'): Activation {
  if (a.axes.length !== b.axes.length) {
    throw node.unsupported(`joins tensors of ${a.axes.length} and ${b.axes.length} axes`);
  }
  return withValue(a, node.builder[op](a.value, inOrderOf(node.builder, b, a.axes), node.name()));
}

/** The constant's shape as if it had the activation's axes. */
function alignedShape(node: NodeReader, x: Activation, { shape }: Constant): readonly number[] {
  const rank = x.axes.length;
  const extra = shape.slice(0, Math.max(0, shape.length - rank));
  const aligned = [...Array<number>(Math.max(0, rank - shape.length)).fill(1), ...shape.slice(extra.length)];
  const fits = aligned.every((length, at) => x.axes[at] !== -1 || length === 1);
  if (extra.some((length) => length !== 1) || !fits) {
    throw node.unsupported(`combines images with a constant of shape [${shape.join(', ')}]`);
  }
  return aligned;
}

/**
 * x combined with a constant: one number, or one for each channel before anything is learned, is a fixed step; anything else may
 * be learned on.
 */
async function withConstant(
  node: NodeReader,
  x: Activation,
  source: Constant,
  op: 'add' | 'multiply',
): Promise<Activation> {
  const { importer, builder } = node;
  const aligned = alignedShape(node, x, source);
  const long = aligned.flatMap((length, at) => (length === 1 ? [] : [at]));
  const channels = x.value.shape.at(-1) ?? 1;
  const ofChannels = long.length === 1 && x.axes[long[0]] === x.value.shape.length - 1 && aligned[long[0]] === channels;
  if (long.length === 0 || (ofChannels && !importer.learned)) {
    const values = await numbers(source);
    const each = Array.from({ length: channels }, (_, c) => values[values.length === 1 ? 0 : c]);
    const fill = (value: number): number[] => Array<number>(channels).fill(value);
    const [scale, shift] = op === 'multiply' ? [each, fill(0)] : [fill(1), each];
    return withValue(x, importer.affine(x.value, scale, shift));
  }
  // In the order of our axes, without leading ones.
  const order = x.value.shape.map((_, place) => x.axes.indexOf(place));
  const whole = permute(
    builder,
    await importer.parameter(
      importer.names.tensor(node.node, source.name),
      source,
      x.axes.flatMap((axis, at) => (axis === -1 ? [] : [aligned[at]])),
    ),
    order.map((at) => at - x.axes.slice(0, at).filter((axis) => axis === -1).length),
  );
  return withValue(x, builder[op](x.value, whole, node.name()));
}

export const add: Reader = async (node) => {
  const [a, b] = [node.input(0), node.input(1)];
  if (a === null || b === null) throw node.unsupported('lacks an input');
  if (a.what === 'constant') return addConstant(node, b, a);
  if (b.what === 'constant') return addConstant(node, a, b);
  return both(node, node.activation(0), node.activation(1), 'add');
};

async function addConstant(node: NodeReader, x: Traced, c: Constant): Promise<Outcome> {
  switch (x.what) {
    case 'activation':
      return withConstant(node, x, c, 'add');
    case 'erf':
      return { ...x, offset: x.offset + (await single(node, c)) / x.factor };
    case 'variance':
      return { ...x, epsilon: x.epsilon + (await single(node, c)) };
    case 'normal':
      return layerNorm(node, x.x, { epsilon: x.epsilon, scale: x.scale, shift: vector(node, x.x, c) });
    default:
      throw node.unsupported('adds to a part of another operation');
  }
}

/** The one number of a constant. */
async function single(node: NodeReader, c: Constant): Promise<number> {
  if (elements(c.shape) !== 1) throw node.unsupported('needs a single number');
  const [value] = await numbers(c);
  return value;
}

/** A constant over the last axis. */
function vector(node: NodeReader, x: Activation, c: Constant): Constant {
  const length = x.value.shape[x.axes[x.axes.length - 1]];
  if (elements(c.shape) !== length || c.shape.at(-1) !== length)
    throw node.unsupported('scales something else than the last axis');
  return reshaped(c, [length]);
}

export const subtract: Reader = async (node) => {
  const [a, b] = [node.input(0), node.input(1)];
  if (a === null || b === null) throw node.unsupported('lacks an input');
  if (a.what === 'activation' && b.what === 'mean') {
    if (!same(a, b.x)) throw node.unsupported('subtracts the mean of another tensor');
    return { what: 'centred', x: a };
  }
  if (b.what === 'constant') {
    return addConstant(
      node,
      a,
      mapped(b, (value) => -value),
    );
  }
  const negative = uniform(node, node.activation(1), -1, 0);
  return a.what === 'constant'
    ? withConstant(node, negative, a, 'add')
    : both(node, node.activation(0), negative, 'add');
};

export const multiply: Reader = async (node) => {
  const [a, b] = [node.input(0), node.input(1)];
  if (a === null || b === null) throw node.unsupported('lacks an input');
  if (a.what === 'constant') return scale(node, b, a);
  if (b.what === 'constant') return scale(node, a, b);
  if (a.what === 'erf') return geluOf(node, a, node.activation(1));
  if (b.what === 'erf') return geluOf(node, b, node.activation(0));
  if (a.what === 'centred' && b.what === 'centred' && same(a.x, b.x)) return { what: 'squares', x: a.x };
  return product(node, node.activation(0), node.activation(1));
};

async function scale(node: NodeReader, x: Traced, c: Constant): Promise<Outcome> {
  switch (x.what) {
    case 'activation':
      return withConstant(node, x, c, 'multiply');
    case 'erf':
      return { ...x, factor: x.factor * (await single(node, c)) };
    case 'folded':
      return { ...x, x: uniform(node, x.x, await single(node, c), 0) };
    case 'scores':
      if (x.softmax) break;
      return { ...x, scale: x.scale * (await single(node, c)) };
    case 'normal':
      if (x.scale !== null) break;
      return { ...x, scale: vector(node, x.x, c) };
  }
  throw node.unsupported('scales a part of another operation');
}

export const divide: Reader = async (node) => {
  const [a, b] = [node.input(0), node.input(1)];
  if (a?.what === 'centred' && b?.what === 'deviation' && same(a.x, b.x)) {
    return { what: 'normal', x: a.x, epsilon: b.epsilon, scale: null };
  }
  if (a?.what === 'activation' && b?.what === 'length' && same(a, b.x)) return { what: 'direction', x: a };
  if (a === null || b?.what !== 'constant') throw node.unsupported('divides by something that depends on the image');
  return scale(
    node,
    a,
    mapped(b, (value) => 1 / value, 'float'),
  );
};

export const power: Reader = async (node) => {
  const x = node.input(0);
  const exponent = await single(node, node.constant(1));
  if (exponent === 2 && x?.what === 'centred') return { what: 'squares', x: x.x };
  if (exponent === 0.5 && x?.what === 'variance') return { what: 'deviation', x: x.x, epsilon: x.epsilon };
  if (!Number.isInteger(exponent) || exponent < 1 || exponent > 4)
    throw node.unsupported(`raises to the power ${exponent}`);
  const base = node.activation(0);
  let value = base.value;
  for (let count = 1; count < exponent; count++) value = node.builder.multiply(value, base.value);
  return withValue(base, value);
};

export const squareRoot: Reader = (node) => {
  const x = node.input(0);
  if (x?.what === 'variance') return { what: 'deviation', x: x.x, epsilon: x.epsilon };
  throw node.unsupported('is not part of a layer normalisation');
};

/** The smallest length that a vector is divided by. */
export const maximum: Reader = async (node) => {
  const x = node.input(0);
  if (x?.what === 'length' && node.node.inputs.length === 2 && (await single(node, node.constant(1))) < 1e-5) return x;
  throw node.unsupported('compares activations');
};

export const negate: Reader = (node) => uniform(node, node.activation(0), -1, 0);
