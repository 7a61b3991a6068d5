// Parameters on the GPU: flat tensors, updated by a few kernels for all parameters together, never read back in between.

import * as tf from '@tensorflow/tfjs-core';
import type { ParameterValues } from '$lib/graph/types';
import type { StepSpecification, TrainState } from '../contract';
import { updateFlat } from './flat-update';
import { bufferNames, withMomentum } from './optimizers';
import { valuesOf } from './parameter-layout';
import type { ParameterLayout, Placed } from './parameter-layout';
import type { BatchStatistics, ParameterStore } from './parameter-store';

type StoreSpecification = Pick<StepSpecification, 'optimizer' | 'clipNorm'>;

/** A tensor that outlives the scope it was made in and frees the one it replaces. */
class Slot {
  #tensor: tf.Tensor1D | null = null;

  get value(): tf.Tensor1D {
    if (this.#tensor === null) throw new Error('A parameter store was used after it was disposed.');
    return this.#tensor;
  }

  set value(tensor: tf.Tensor1D) {
    this.#tensor?.dispose();
    this.#tensor = tf.keep(tensor);
  }

  dispose(): void {
    this.#tensor?.dispose();
    this.#tensor = null;
  }
}

export class DeviceStore implements ParameterStore {
  readonly #layout: ParameterLayout;
  readonly #specification: StoreSpecification;
  /** The trainable parameters that move, placed in the flat tensors; the frozen ones stay on the host. */
  readonly #moving: readonly Placed[];
  readonly #movingSize: number;
  readonly #values = new Slot();
  readonly #buffers: readonly Slot[];
  readonly #statistics = new Slot();
  /** 1 where weight decay acts; null where it acts everywhere. */
  readonly #decays: tf.Tensor1D | null;
  /** Factor of each value's learning rate; null where all are 1. */
  readonly #rates: tf.Tensor1D | null;
  /** Steps done before each value first moved; null where all moved from the first step on. */
  readonly #since: tf.Tensor1D | null;
  readonly #frozen = new Map<string, Float32Array>();
  readonly #frozenBuffers: readonly Float32Array[];
  #averaging: { key: string; momentum: tf.Tensor1D; factor: tf.Tensor1D } | null = null;
  /** Of what moves; gone after each step. */
  #tensors: ReadonlyMap<string, tf.Tensor> | null = null;
  readonly #frozenTensors = new Map<string, tf.Tensor>();
  #step = 0;

  constructor(layout: ParameterLayout, parameters: ParameterValues, specification: StoreSpecification) {
    this.#layout = layout;
    this.#specification = specification;
    let size = 0;
    this.#moving = layout.trainable
      .filter((placed) => placed.moves)
      .map((placed) => {
        const begin = size;
        size += placed.size;
        return { ...placed, begin };
      });
    this.#movingSize = size;
    const names = bufferNames(specification.optimizer);
    this.#buffers = names.map(() => new Slot());
    this.#frozenBuffers = names.map(() => new Float32Array(layout.trainableSize));
    this.#decays = this.#perValue(({ decays }) => Number(decays), 1);
    this.#rates = this.#perValue(({ rate }) => rate, 1);
    this.#since = this.#perValue(({ since }) => since, 0);
    this.#fill(parameters);
    for (const buffer of this.#buffers) buffer.value = tf.zeros([size]);
  }

  get hostBytes(): number {
    return [...this.#frozen.values()].reduce((sum, array) => sum + array.byteLength, 0);
  }

  tensors(): ReadonlyMap<string, tf.Tensor> {
    if (this.#tensors !== null) return this.#tensors;
    const tensors = new Map<string, tf.Tensor>();
    const cut =
      (flat: tf.Tensor1D) =>
      ({ name, begin, size, shape }: Placed): void => {
        tensors.set(name, tf.keep(tf.tidy(() => tf.reshape(tf.slice1d(flat, begin, size), shape))));
      };
    this.#moving.forEach(cut(this.#values.value));
    if (this.#layout.statisticsSize > 0) this.#layout.statistics.forEach(cut(this.#statistics.value));
    for (const { name, shape } of this.#layout.trainable) {
      const values = this.#frozen.get(name);
      if (values === undefined) continue;
      const tensor = this.#frozenTensors.get(name) ?? tf.keep(tf.tensor(values, shape, 'float32'));
      this.#frozenTensors.set(name, tensor);
      tensors.set(name, tensor);
    }
    this.#tensors = tensors;
    return tensors;
  }

  update(gradients: ReadonlyMap<string, tf.Tensor>, learningRate: number, momentum?: number): void {
    this.#forget();
    this.#step++;
    if (this.#movingSize === 0) return;
    const { clipNorm } = this.#specification;
    const optimizer = withMomentum(this.#specification.optimizer, momentum);
    const [values, ...buffers] = tf.tidy(() => {
      const parts = this.#moving.map(({ name, size }) => {
        const gradient = gradients.get(name);
        return gradient === undefined ? tf.zeros<tf.Rank.R1>([size]) : tf.reshape<tf.Rank.R1>(gradient, [size]);
      });
      const state = { values: this.#values.value, buffers: this.#buffers.map((slot) => slot.value) };
      const gradient = parts.length === 1 ? parts[0] : tf.concat1d(parts);
      const factors = { decays: this.#decays, rates: this.#rates, since: this.#since };
      return updateFlat(optimizer, state, { gradient, clipNorm, ...factors }, learningRate, this.#step);
    });
    this.#values.value = values;
    this.#buffers.forEach((slot, index) => (slot.value = buffers[index]));
  }

  updateStatistics(seen: readonly BatchStatistics[]): void {
    if (seen.length === 0) return;
    this.#forget();
    const byName = new Map(
      seen.flatMap((s) => [[s.meanName, s.mean] as const, [s.varianceName, s.varBiased] as const]),
    );
    const { momentum, factor } = this.#averagingFor(seen);
    this.#statistics.value = tf.tidy(() => {
      const parts = this.#layout.statistics.map(({ name, size }) => byName.get(name) ?? tf.zeros<tf.Rank.R1>([size]));
      const running = this.#statistics.value;
      const distance = tf.sub(tf.mul(tf.concat1d(parts), factor), running);
      return tf.add<tf.Tensor1D>(running, tf.mul(distance, momentum));
    });
  }

  async read(): Promise<TrainState> {
    const step = this.#step;
    // Handles first: a later step replaces the tensors, and what is being read must be of one step.
    const flats = [this.#values, ...this.#buffers, this.#statistics].map((slot) => tf.clone(slot.value));
    try {
      // A synchronisation: a checkpoint is being written.
      const [values, ...rest] = await Promise.all(flats.map((flat) => flat.data<'float32'>()));
      const statistics = rest.pop() ?? new Float32Array();
      const parameters = new Map<string, Float32Array>();
      for (const { name, begin, size } of this.#moving) parameters.set(name, values.slice(begin, begin + size));
      for (const [name, frozen] of this.#frozen) parameters.set(name, frozen.slice());
      for (const { name, begin, size } of this.#layout.statistics) {
        parameters.set(name, statistics.slice(begin, begin + size));
      }
      const names = bufferNames(this.#specification.optimizer);
      const optimizer = new Map(names.map((name, index) => [name, this.#spread(rest[index], index)]));
      return { step, parameters, optimizer };
    } finally {
      tf.dispose(flats);
    }
  }

  write(state: TrainState): void {
    this.#fill(state.parameters);
    bufferNames(this.#specification.optimizer).forEach((name, index) => {
      const full = valuesOf(state.optimizer, { name, size: this.#layout.trainableSize });
      this.#frozenBuffers[index].set(full);
      const moving = new Float32Array(this.#movingSize);
      this.#eachMoving((from, to, size) => moving.set(full.subarray(from, from + size), to));
      this.#buffers[index].value = tf.tensor1d(moving);
    });
    this.#step = state.step;
  }

  dispose(): void {
    this.#forget();
    this.#forgetFrozen();
    for (const slot of [this.#values, ...this.#buffers, this.#statistics]) slot.dispose();
    for (const factors of [this.#decays, this.#rates, this.#since]) factors?.dispose();
    this.#averaging?.momentum.dispose();
    this.#averaging?.factor.dispose();
  }

  #fill(parameters: ParameterValues): void {
    this.#forget();
    this.#forgetFrozen();
    const values = new Float32Array(this.#movingSize);
    for (const placed of this.#moving) values.set(valuesOf(parameters, placed), placed.begin);
    this.#values.value = tf.tensor1d(values);
    const statistics = new Float32Array(this.#layout.statisticsSize);
    for (const placed of this.#layout.statistics) statistics.set(valuesOf(parameters, placed), placed.begin);
    this.#statistics.value = tf.tensor1d(statistics);
    for (const placed of this.#layout.trainable) {
      if (!placed.moves) this.#frozen.set(placed.name, valuesOf(parameters, placed).slice());
    }
  }

  /** Calls back with each moving parameter's place in the full vector and in the flat tensors. */
  #eachMoving(visit: (from: number, to: number, size: number) => void): void {
    let to = 0;
    for (const { begin, size, moves } of this.#layout.trainable) {
      if (!moves) continue;
      visit(begin, to, size);
      to += size;
    }
  }

  /** An optimiser buffer over all trainable parameters. */
  #spread(moving: Float32Array, index: number): Float32Array {
    const full = this.#frozenBuffers[index].slice();
    this.#eachMoving((from, to, size) => full.set(moving.subarray(to, to + size), from));
    return full;
  }

  /** A number of each parameter, spread over its values; null where it is `usual` everywhere. */
  #perValue(of: (placed: Placed) => number, usual: number): tf.Tensor1D | null {
    if (this.#moving.every((placed) => of(placed) === usual)) return null;
    const values = new Float32Array(this.#movingSize);
    for (const placed of this.#moving) values.fill(of(placed), placed.begin, placed.begin + placed.size);
    return tf.keep(tf.tensor1d(values));
  }

  /** Per value: the momentum, and n / (n - 1) for variances. The same for all batches of one size. */
  #averagingFor(seen: readonly BatchStatistics[]): { momentum: tf.Tensor1D; factor: tf.Tensor1D } {
    const key = seen.map(({ meanName, count }) => `${meanName}:${count}`).join();
    if (this.#averaging?.key === key) return this.#averaging;
    const momentum = new Float32Array(this.#layout.statisticsSize);
    const factor = new Float32Array(this.#layout.statisticsSize).fill(1);
    const placed = new Map(this.#layout.statistics.map((one) => [one.name, one]));
    for (const norm of seen) {
      const mean = placed.get(norm.meanName);
      const variance = placed.get(norm.varianceName);
      if (mean !== undefined) momentum.fill(norm.momentum, mean.begin, mean.begin + mean.size);
      if (variance === undefined) continue;
      momentum.fill(norm.momentum, variance.begin, variance.begin + variance.size);
      factor.fill(norm.count / (norm.count - 1), variance.begin, variance.begin + variance.size);
    }
    tf.dispose(this.#averaging === null ? [] : [this.#averaging.momentum, this.#averaging.factor]);
    this.#averaging = { key, momentum: tf.keep(tf.tensor1d(momentum)), factor: tf.keep(tf.tensor1d(factor)) };
    return this.#averaging;
  }

  #forget(): void {
    for (const [name, tensor] of this.#tensors ?? []) if (!this.#frozenTensors.has(name)) tensor.dispose();
    this.#tensors = null;
  }

  #forgetFrozen(): void {
    for (const tensor of this.#frozenTensors.values()) tensor.dispose();
    this.#frozenTensors.clear();
  }
}
