// Parameters in ordinary memory, for the cpu and wasm backends: the update is one loop per parameter, without temporaries,
// and tensors are made from slices of the flat vector for each step; those of what is frozen stay.

import * as tf from '@tensorflow/tfjs-core';
import type { ParameterValues } from '$lib/graph/types';
import type { StepSpecification, TrainState } from '../contract';
import { bufferNames, clipFactor, updateRange, withMomentum } from './optimizers';
import { valuesOf } from './parameter-layout';
import type { ParameterLayout, Placed } from './parameter-layout';
import type { BatchStatistics, ParameterStore } from './parameter-store';

type StoreSpecification = Pick<StepSpecification, 'optimizer' | 'clipNorm'>;

export class HostStore implements ParameterStore {
  readonly #layout: ParameterLayout;
  readonly #specification: StoreSpecification;
  readonly #values: Float32Array;
  readonly #buffers: readonly Float32Array[];
  readonly #statistics: Float32Array;
  readonly #statisticsByName: ReadonlyMap<string, Placed>;
  #step = 0;
  readonly #tensors = new Map<string, tf.Tensor>();

  constructor(layout: ParameterLayout, parameters: ParameterValues, specification: StoreSpecification) {
    this.#layout = layout;
    this.#specification = specification;
    this.#values = new Float32Array(layout.trainableSize);
    this.#buffers = bufferNames(specification.optimizer).map(() => new Float32Array(layout.trainableSize));
    this.#statistics = new Float32Array(layout.statisticsSize);
    this.#statisticsByName = new Map(layout.statistics.map((placed) => [placed.name, placed]));
    this.#fill(parameters);
  }

  get hostBytes(): number {
    const arrays = [this.#values, ...this.#buffers, this.#statistics];
    return arrays.reduce((sum, array) => sum + array.byteLength, 0);
  }

  tensors(): ReadonlyMap<string, tf.Tensor> {
    const add = (flat: Float32Array) => (placed: Placed) => {
      if (this.#tensors.has(placed.name)) return;
      // A view: tfjs's cpu backend computes on it as it is, wasm copies it into its heap.
      this.#tensors.set(placed.name, tf.keep(tf.tensor(view(flat, placed), placed.shape, 'float32')));
    };
    this.#layout.trainable.forEach(add(this.#values));
    this.#layout.statistics.forEach(add(this.#statistics));
    return this.#tensors;
  }

  update(gradients: ReadonlyMap<string, tf.Tensor>, learningRate: number, momentum?: number): void {
    this.#step++;
    const { clipNorm } = this.#specification;
    const optimizer = withMomentum(this.#specification.optimizer, momentum);
    const moving = this.#layout.trainable.filter((placed) => placed.moves);
    this.#forget(moving.map(({ name }) => name));
    const ranges = moving.map(({ name, begin, size, decays, rate, since }) => {
      // Both backends compute when asked, so that the values are there already.
      const gradient = gradients.get(name)?.dataSync<'float32'>() ?? new Float32Array(size);
      return { begin, gradient, decays, scale: 1, rate, since };
    });
    if (clipNorm > 0) {
      const scale = clipFactor(globalNorm(ranges.map((range) => range.gradient)), clipNorm);
      for (const range of ranges) range.scale = scale;
    }
    const state = { values: this.#values, buffers: this.#buffers };
    for (const range of ranges) updateRange(optimizer, state, range, learningRate, this.#step);
  }

  updateStatistics(seen: readonly BatchStatistics[]): void {
    this.#forget(seen.flatMap(({ meanName, varianceName }) => [meanName, varianceName]));
    for (const { meanName, varianceName, mean, varBiased, count, momentum } of seen) {
      this.#average(meanName, mean.dataSync<'float32'>(), momentum, 1);
      this.#average(varianceName, varBiased.dataSync<'float32'>(), momentum, count / (count - 1));
    }
  }

  async read(): Promise<TrainState> {
    const parameters = new Map<string, Float32Array>();
    for (const placed of this.#layout.trainable) parameters.set(placed.name, view(this.#values, placed).slice());
    for (const placed of this.#layout.statistics) parameters.set(placed.name, view(this.#statistics, placed).slice());
    const names = bufferNames(this.#specification.optimizer);
    return {
      step: this.#step,
      parameters,
      optimizer: new Map(names.map((name, index) => [name, this.#buffers[index].slice()])),
    };
  }

  write(state: TrainState): void {
    this.#fill(state.parameters);
    bufferNames(this.#specification.optimizer).forEach((name, index) => {
      this.#buffers[index].set(valuesOf(state.optimizer, { name, size: this.#layout.trainableSize }));
    });
    this.#step = state.step;
  }

  dispose(): void {
    this.#forget();
  }

  #fill(parameters: ParameterValues): void {
    this.#forget();
    for (const placed of this.#layout.trainable) view(this.#values, placed).set(valuesOf(parameters, placed));
    for (const placed of this.#layout.statistics) view(this.#statistics, placed).set(valuesOf(parameters, placed));
  }

  #average(name: string, batch: Float32Array, momentum: number, factor: number): void {
    const placed = this.#statisticsByName.get(name);
    if (placed === undefined) return;
    const running = view(this.#statistics, placed);
    for (let at = 0; at < running.length; at++) running[at] += momentum * (batch[at] * factor - running[at]);
  }

  #forget(names: readonly string[] = [...this.#tensors.keys()]): void {
    for (const name of names) {
      this.#tensors.get(name)?.dispose();
      this.#tensors.delete(name);
    }
  }
}

function view(flat: Float32Array, { begin, size }: Placed): Float32Array {
  return flat.subarray(begin, begin + size);
}

/** Square root of the sum of all squares, summed in double precision. */
function globalNorm(gradients: readonly Float32Array[]): number {
  let sum = 0;
  for (const gradient of gradients) for (const value of gradient) sum += value * value;
  return Math.sqrt(sum);
}
