// Parameters in ordinary memory, for the cpu and wasm backends: the update is one loop per parameter, without temporaries,
// and tensors are made from slices of the flat vector for each step; those of what is frozen stay.

import * as tf from '@tensorflow/tfjs-core';
import type { ParameterValues } from '$lib/graph/types';
import type { LazyNorms, StepOptions, TrainState } from '../contract';
import { distance, knownNorms, squareSum } from './host-norms';
import { bufferNames, clipFactor, updateRange, withMomentum } from './optimizers';
import { valuesOf } from './parameter-layout';
import type { ParameterLayout, Placed } from './parameter-layout';
import { averagingShare } from './parameter-store';
import type { BatchStatistics, Gradients, ParameterStore, StoreSpecification } from './parameter-store';

export class HostStore implements ParameterStore {
  readonly #layout: ParameterLayout;
  readonly #specification: StoreSpecification;
  readonly #moving: readonly Placed[];
  readonly #values: Float32Array;
  readonly #buffers: readonly Float32Array[];
  /** Moving averages of the values; null without. */
  readonly #averages: Float32Array | null;
  readonly #statistics: Float32Array;
  readonly #statisticsByName: ReadonlyMap<string, Placed>;
  /** Gradients of the parts so far, or room for clipped ones. Made when first needed. */
  #gradients: Float32Array | null = null;
  #gathering = false;
  #step = 0;
  readonly #tensors = new Map<string, tf.Tensor>();
  readonly #averageTensors = new Map<string, tf.Tensor>();

  constructor(layout: ParameterLayout, parameters: ParameterValues, specification: StoreSpecification) {
    this.#layout = layout;
    this.#specification = specification;
    this.#moving = layout.trainable.filter((placed) => placed.moves);
    this.#values = new Float32Array(layout.trainableSize);
    this.#buffers = bufferNames(specification.optimizer).map(() => new Float32Array(layout.trainableSize));
    this.#averages = specification.ema ? new Float32Array(layout.trainableSize) : null;
    this.#statistics = new Float32Array(layout.statisticsSize);
    this.#statisticsByName = new Map(layout.statistics.map((placed) => [placed.name, placed]));
    this.#fill(parameters);
    this.#averages?.set(this.#values);
  }

  get hostBytes(): number {
    const optional = [this.#averages, this.#gradients].filter((array) => array !== null);
    const arrays = [this.#values, ...this.#buffers, this.#statistics, ...optional];
    return arrays.reduce((sum, array) => sum + array.byteLength, 0);
  }

  tensors(): ReadonlyMap<string, tf.Tensor> {
    this.#layout.trainable.forEach(adding(this.#tensors, this.#values));
    this.#layout.statistics.forEach(adding(this.#tensors, this.#statistics));
    return this.#tensors;
  }

  averages(): ReadonlyMap<string, tf.Tensor> {
    if (this.#averages === null) return this.tensors();
    this.#layout.trainable.forEach(adding(this.#averageTensors, this.#averages));
    this.#layout.statistics.forEach(adding(this.#averageTensors, this.#statistics));
    return this.#averageTensors;
  }

  gather(gradients: Gradients, share: number): void {
    const sums = this.#room();
    for (const placed of this.#moving) {
      const sum = view(sums, placed);
      const gradient = gradients.get(placed.name)?.dataSync<'float32'>() ?? new Float32Array(placed.size);
      if (this.#gathering) for (let at = 0; at < sum.length; at++) sum[at] += share * gradient[at];
      else for (let at = 0; at < sum.length; at++) sum[at] = share * gradient[at];
    }
    this.#gathering = true;
  }

  discard(): void {
    this.#gathering = false;
    forget(this.#tensors);
    forget(this.#averageTensors);
  }

  update(given: Gradients | 'gathered', learningRate: number, options: StepOptions = {}): LazyNorms | null {
    // Both backends compute when asked, so that the values are there already.
    const gradients = this.#moving.map((placed) =>
      given === 'gathered'
        ? view(this.#room(), placed)
        : (given.get(placed.name)?.dataSync<'float32'>() ?? new Float32Array(placed.size)),
    );
    const optimizer = withMomentum(this.#specification.optimizer, options.momentum);
    const norms = options.norms === undefined ? null : gradients.map((gradient) => Math.sqrt(squareSum(gradient)));
    const before = options.norms === 'all' ? this.#values.slice() : null;

    const { slopes, scale } = this.#clip(gradients);
    // From here on nothing allocates: a step that runs out of memory changes nothing.
    this.#gathering = false;
    this.#step++;
    forget(this.#tensors, this.#moving);
    forget(this.#averageTensors);
    const state = { values: this.#values, buffers: this.#buffers };
    for (const [index, { begin, decays, rate, since }] of this.#moving.entries()) {
      const range = { begin, gradient: slopes[index], decays, scale, rate, since };
      updateRange(optimizer, state, range, learningRate, this.#step);
    }
    this.#average();
    return norms === null ? null : this.#norms(Float32Array.from(norms), before);
  }

  updateStatistics(seen: readonly BatchStatistics[]): void {
    forget(
      this.#tensors,
      seen.flatMap(({ meanName, varianceName }) => [{ name: meanName }, { name: varianceName }]),
    );
    forget(this.#averageTensors);
    for (const { meanName, varianceName, mean, varBiased, count, momentum } of seen) {
      this.#approach(meanName, mean.dataSync<'float32'>(), momentum, 1);
      this.#approach(varianceName, varBiased.dataSync<'float32'>(), momentum, count / (count - 1));
    }
  }

  async read(): Promise<TrainState> {
    const copies = (flat: Float32Array, all: readonly Placed[]) =>
      all.map((placed) => [placed.name, view(flat, placed).slice()] as const);
    const { trainable, statistics } = this.#layout;
    const names = bufferNames(this.#specification.optimizer);
    return {
      step: this.#step,
      parameters: new Map([...copies(this.#values, trainable), ...copies(this.#statistics, statistics)]),
      ...(this.#averages === null ? {} : { ema: new Map(copies(this.#averages, trainable)) }),
      optimizer: new Map(names.map((name, index) => [name, this.#buffers[index].slice()])),
    };
  }

  write(state: TrainState): void {
    this.#fill(state.parameters);
    for (const placed of this.#averages === null ? [] : this.#layout.trainable) {
      view(this.#averages ?? this.#values, placed).set(valuesOf(state.ema ?? state.parameters, placed));
    }
    bufferNames(this.#specification.optimizer).forEach((name, index) => {
      this.#buffers[index].set(valuesOf(state.optimizer, { name, size: this.#layout.trainableSize }));
    });
    this.#step = state.step;
  }

  dispose(): void {
    this.discard();
  }

  #fill(parameters: ParameterValues): void {
    this.discard();
    for (const placed of this.#layout.trainable) view(this.#values, placed).set(valuesOf(parameters, placed));
    for (const placed of this.#layout.statistics) view(this.#statistics, placed).set(valuesOf(parameters, placed));
  }

  #room(): Float32Array {
    return (this.#gradients ??= new Float32Array(this.#layout.trainableSize));
  }

  /** By value, then by global norm; copies where values change, since a tensor may share its array with others. */
  #clip(gradients: readonly Float32Array[]): { slopes: readonly Float32Array[]; scale: number } {
    const { clipNorm, clipValue = 0 } = this.#specification;
    const slopes = clipValue > 0 ? this.#moving.map((placed) => view(this.#room(), placed)) : gradients;
    if (clipValue > 0) {
      for (const [index, slope] of slopes.entries()) {
        const gradient = gradients[index];
        for (let at = 0; at < slope.length; at++) {
          slope[at] = Math.max(-clipValue, Math.min(clipValue, gradient[at]));
        }
      }
    }
    if (clipNorm === 0) return { slopes, scale: 1 };
    const norm = Math.sqrt(slopes.reduce((sum, slope) => sum + squareSum(slope), 0));
    return { slopes, scale: clipFactor(norm, clipNorm) };
  }

  #average(): void {
    const { ema } = this.#specification;
    if (!ema || this.#averages === null) return;
    const share = averagingShare(ema, this.#step);
    for (const placed of this.#moving) approach(view(this.#averages, placed), view(this.#values, placed), share);
  }

  #norms(gradient: Float32Array, before: Float32Array | null): LazyNorms {
    const names = this.#moving.map(({ name }) => name);
    if (before === null) return knownNorms(names, { gradient });
    const weight = this.#moving.map((placed) => Math.sqrt(squareSum(view(before, placed))));
    const update = this.#moving.map((placed) => distance(view(before, placed), view(this.#values, placed)));
    return knownNorms(names, { gradient, weight: Float32Array.from(weight), update: Float32Array.from(update) });
  }

  #approach(name: string, batch: Float32Array, momentum: number, factor: number): void {
    const placed = this.#statisticsByName.get(name);
    if (placed === undefined) return;
    const running = view(this.#statistics, placed);
    for (let at = 0; at < running.length; at++) running[at] += momentum * (batch[at] * factor - running[at]);
  }
}

/** average += share * (value - average). */
function approach(average: Float32Array, values: Float32Array, share: number): void {
  for (let at = 0; at < average.length; at++) average[at] += share * (values[at] - average[at]);
}

function view(flat: Float32Array, { begin, size }: Placed): Float32Array {
  return flat.subarray(begin, begin + size);
}

/** Makes the tensor of a parameter where there is none. */
function adding(tensors: Map<string, tf.Tensor>, flat: Float32Array): (placed: Placed) => void {
  return (placed) => {
    if (tensors.has(placed.name)) return;
    // A view: tfjs's cpu backend computes on it as it is, wasm copies it into its heap.
    tensors.set(placed.name, tf.keep(tf.tensor(view(flat, placed), placed.shape, 'float32')));
  };
}

function forget(tensors: Map<string, tf.Tensor>, which?: readonly { name: string }[]): void {
  for (const name of which?.map((one) => one.name) ?? [...tensors.keys()]) {
    tensors.get(name)?.dispose();
    tensors.delete(name);
  }
}
