// The shape of the reference trajectories of torch.optim, and a parameter store of their two parameters. Not a test itself.

import * as tf from '@tensorflow/tfjs-core';
import type { OptimizerSpecification, StepSpecification } from '$lib/engines/contract';
import type { DeviceStore } from '$lib/engines/tfjs/device-store';
import type { HostStore } from '$lib/engines/tfjs/host-store';
import { layOut } from '$lib/engines/tfjs/parameter-layout';
import type { ParameterStore } from '$lib/engines/tfjs/parameter-store';
import type { Graph, ParameterSpecification } from '$lib/graph/types';

export interface Values {
  w: number[][];
  b: number[];
}

interface Options {
  lr: number;
  momentum?: number;
  nesterov?: boolean;
  weight_decay?: number;
  betas?: [number, number];
  eps?: number;
  amsgrad?: boolean;
  alpha?: number;
}

export interface Trajectory {
  options: Options;
  after_step_1: Values;
  after_step_12: Values;
}

export interface Golden {
  initial: Values;
  gradients: Values[];
  expected: Record<string, Trajectory>;
  clip_grad_norm_1: { gradient: number[][]; total_norm: number; clipped: number[][] };
}

/** The README of the reference vectors: 1e-4 holds for float32 trajectories. */
export const TOLERANCE = 1e-4;

const trainable = (name: string, shape: number[], decay: boolean): ParameterSpecification => ({
  name,
  shape,
  layout: 'plain',
  trainable: true,
  decay,
  initializer: { kind: 'zeros' },
});

const graph: Graph = { nodes: [], output: '', parameters: [trainable('w', [4, 3], true), trainable('b', [3], false)] };

export const flatten = ({ w, b }: Values): Map<string, Float32Array> =>
  new Map([
    ['w', Float32Array.from(w.flat())],
    ['b', Float32Array.from(b)],
  ]);

/** torch's own defaults where a case does not say. */
export function optimizerOf(name: string, options: Options): OptimizerSpecification {
  const { momentum = 0, nesterov = false, betas = [0.9, 0.999], eps: epsilon = 1e-8, amsgrad = false } = options;
  const { alpha = 0.99, weight_decay: weightDecay = name.startsWith('adamw') ? 0.01 : 0 } = options;
  if (name.startsWith('sgd')) return { name: 'sgd', momentum, nesterov, weightDecay };
  if (name.startsWith('rmsprop')) return { name: 'rmsprop', alpha, epsilon, momentum, weightDecay };
  return { name: name.startsWith('adamw') ? 'adamw' : 'adam', betas, epsilon, weightDecay, amsgrad };
}

export type Make = (
  specification: Pick<StepSpecification, 'optimizer'> & Partial<Omit<StepSpecification, 'loss' | 'seed'>>,
) => ParameterStore;

/** Makes stores of one kind that begin where the reference does. */
export const making =
  (Store: typeof HostStore | typeof DeviceStore, initial: Values): Make =>
  ({ optimizer, clipNorm = 0, decayAll = true, clipValue, ema, ...layout }) =>
    new Store(layOut(graph, { decayAll, ...layout }), flatten(initial), { optimizer, clipNorm, clipValue, ema });

export function asTensors(gradients: ReadonlyMap<string, Float32Array>): Map<string, tf.Tensor> {
  return new Map([...gradients].map(([name, values]) => [name, tf.tensor1d(values)]));
}

export function take(store: ParameterStore, gradients: ReadonlyMap<string, Float32Array>, rate: number): void {
  const tensors = asTensors(gradients);
  store.update(tensors, rate)?.dispose();
  tf.dispose([...tensors.values()]);
}

export function largestDifference(
  found: ReadonlyMap<string, Float32Array>,
  expected: ReadonlyMap<string, Float32Array>,
): number {
  const differences = [...expected].flatMap(([name, values]) =>
    Array.from(values, (value, at) => Math.abs(value - (found.get(name)?.[at] ?? NaN))),
  );
  return Math.max(...differences);
}

/** Largest differences after the first and the twelfth step of a case, each parameter at its own size. */
export async function follow(make: Make, golden: Golden, name: string): Promise<number[]> {
  const { options, ...expected } = golden.expected[name];
  const store = make({ optimizer: optimizerOf(name, options) });
  const found: number[] = [];
  for (const [index, gradients] of golden.gradients.entries()) {
    take(store, flatten(gradients), options.lr);
    const wanted = index === 0 ? expected.after_step_1 : index === 11 ? expected.after_step_12 : null;
    if (wanted !== null) found.push(largestDifference((await store.read()).parameters, flatten(wanted)));
  }
  store.dispose();
  return found;
}
