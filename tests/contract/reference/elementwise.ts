// Operations on single values, and softmax.

import type { ActivationKind } from '$lib/graph/types';
import type { Reference } from './reference';
import { generate, mapValues } from './tensor';
import type { RefTensor } from './tensor';

/** The error function's integral by Simpson's rule, exact to 1e-12 for |x| < 6. */
function erf(x: number): number {
  const steps = 400;
  const width = x / steps;
  let sum = 1 + Math.exp(-x * x);
  for (let step = 1; step < steps; step++) sum += (step % 2 === 1 ? 4 : 2) * Math.exp(-((step * width) ** 2));
  return (2 / Math.sqrt(Math.PI)) * (width / 3) * sum;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const clamp = (x: number, low: number, high: number): number => Math.min(Math.max(x, low), high);
const hardSigmoid = (x: number): number => clamp(x / 6 + 0.5, 0, 1);

const FUNCTIONS: Record<ActivationKind, (x: number, slope: number) => number> = {
  relu: (x) => Math.max(x, 0),
  relu6: (x) => clamp(x, 0, 6),
  leaky_relu: (x, slope) => (x > 0 ? x : slope * x),
  sigmoid,
  tanh: Math.tanh,
  silu: (x) => x * sigmoid(x),
  gelu: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  gelu_tanh: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  hard_sigmoid: hardSigmoid,
  hard_swish: (x) => x * hardSigmoid(x),
};

export const activation: Reference<'activation'> = ({ attributes: { kind, slope = 0 } }, [x]) =>
  mapValues(x, (value) => FUNCTIONS[kind](value, slope));

export const affine: Reference<'affine'> = ({ attributes: { scale, shift } }, [x]) =>
  mapValues(x, (value, place) => value * scale[place % scale.length] + shift[place % scale.length]);

/** Softmax over the last axis. */
export function softmaxOf(x: RefTensor): RefTensor {
  const width = x.shape[x.shape.length - 1];
  return mapValues(x, (value, place) => {
    const row = x.data.subarray(place - (place % width), place - (place % width) + width);
    return Math.exp(value) / row.reduce((sum, other) => sum + Math.exp(other), 0);
  });
}

export const softmax: Reference<'softmax'> = (_node, [x]) => softmaxOf(x);

/** Value at a per-sample index of a larger shape: aligned at the end, length 1 repeats. */
function broadcastAt(x: RefTensor, index: readonly number[]): number {
  const sample = x.shape.slice(1);
  const tail = index.slice(1).slice(index.length - 1 - sample.length);
  const place = sample.reduce((sum, length, axis) => sum * length + (length === 1 ? 0 : tail[axis]), x.shape[0] === 1 ? 0 : index[0]); // prettier-ignore
  return x.data[place];
}

export const add: Reference<'add'> = (node, [a, b]) =>
  generate([Math.max(a.shape[0], b.shape[0]), ...node.shape], (index) => broadcastAt(a, index) + broadcastAt(b, index));

export const multiply: Reference<'multiply'> = (node, [a, b]) =>
  generate([Math.max(a.shape[0], b.shape[0]), ...node.shape], (index) => broadcastAt(a, index) * broadcastAt(b, index));

export const dropout: Reference<'dropout'> = ({ attributes: { rate } }, [x], context) => {
  if (!context.training) return x;
  const random = context.random();
  return mapValues(x, (value) => (random() < rate ? 0 : value / (1 - rate)));
};

export const dropPath: Reference<'drop_path'> = ({ attributes: { rate } }, [x], context) => {
  if (!context.training) return x;
  const random = context.random();
  const kept = Array.from({ length: x.shape[0] }, () => random() >= rate);
  const size = x.data.length / x.shape[0];
  return mapValues(x, (value, place) => (kept[Math.floor(place / size)] ? value / (1 - rate) : 0));
};
