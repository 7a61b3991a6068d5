// Parameters on the GPU: flat tensors, updated by a few kernels for all parameters together, never read back in between.

import * as tf from '@tensorflow/tfjs-core';
import type { ParameterValues } from '$lib/graph/types';
import type { LazyNorms, StepOptions, TrainState } from '../contract';
import { clipFlat, updateFlat } from './flat-update';
import { DeviceNorms } from './device-norms';
import { bufferNames, withMomentum } from './optimizers';
import { valuesOf } from './parameter-layout';
import type { ParameterLayout, Placed } from './parameter-layout';
import { averagingShare } from './parameter-store';
import type { BatchStatistics, Gradients, ParameterStore, StoreSpecification } from './parameter-store';
import { Slot } from './slot';

interface Averaging {
  momentum: tf.Tensor1D;
  factor: tf.Tensor1D;
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
  /** Moving averages of the values; null without. */
  readonly #averages: Slot | null;
  readonly #gathered = new Slot();
  /** 1 where weight decay acts; null where it acts everywhere. */
  readonly #decays: tf.Tensor1D | null;
  /** Factor of each value's learning rate; null where all are 1. */
  readonly #rates: tf.Tensor1D | null;
  /** Steps done before each value first moved; null where all moved from the first step on. */
  readonly #since: tf.Tensor1D | null;
  readonly #frozen = new Map<string, Float32Array>();
  /** Averages of what does not move: they stay as they were given. */
  readonly #frozenAverages = new Map<string, Float32Array>();
  readonly #frozenBuffers: readonly Float32Array[];
  /** By the sizes of what the batch norms saw; a run has two or three of them. */
  readonly #averaging = new Map<string, Averaging>();
  /** Of what moves; gone after each step. */
  #tensors: ReadonlyMap<string, tf.Tensor> | null = null;
  #averageTensors: ReadonlyMap<string, tf.Tensor> | null = null;
  #norms: DeviceNorms | null = null;
  readonly #frozenTensors = new Map<Float32Array, tf.Tensor>();
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
    this.#averages = specification.ema ? new Slot() : null;
    this.#frozenBuffers = names.map(() => new Float32Array(layout.trainableSize));
    this.#decays = this.#perValue(({ decays }) => Number(decays), 1);
    this.#rates = this.#perValue(({ rate }) => rate, 1);
    this.#since = this.#perValue(({ since }) => since, 0);
    this.#fill(parameters);
    this.#fillAverages(parameters);
    for (const buffer of this.#buffers) buffer.value = tf.zeros([size]);
  }

  get hostBytes(): number {
    const arrays = [...this.#frozen.values(), ...this.#frozenAverages.values(), ...this.#frozenBuffers];
    return arrays.reduce((sum, array) => sum + array.byteLength, 0);
  }

  tensors(): ReadonlyMap<string, tf.Tensor> {
    return (this.#tensors ??= this.#cut(this.#values.value, this.#frozen));
  }

  averages(): ReadonlyMap<string, tf.Tensor> {
    if (this.#averages === null) return this.tensors();
    return (this.#averageTensors ??= this.#cut(this.#averages.value, this.#frozenAverages));
  }

  gather(gradients: Gradients, share: number): void {
    if (this.#movingSize === 0) return;
    this.#gathered.value = tf.tidy(() => {
      const part = tf.mul<tf.Tensor1D>(this.#flat(gradients), share);
      return this.#gathered.filled ? tf.add<tf.Tensor1D>(this.#gathered.value, part) : part;
    });
  }

  discard(): void {
    this.#gathered.dispose();
    this.#forget();
    this.#forgetFrozen();
  }

  update(given: Gradients | 'gathered', learningRate: number, options: StepOptions = {}): LazyNorms | null {
    this.#forget();
    const step = this.#step + 1;
    if (this.#movingSize === 0) {
      this.#step = step;
      return null;
    }
    const optimizer = withMomentum(this.#specification.optimizer, options.momentum);
    let norms: LazyNorms | undefined;
    tf.tidy(() => {
      const gradient = given === 'gathered' ? tf.clone(this.#gathered.value) : this.#flat(given);
      const state = { values: this.#values.value, buffers: this.#buffers.map((slot) => slot.value) };
      const factors = { decays: this.#decays, rates: this.#rates, since: this.#since };
      const slope = clipFlat(gradient, this.#specification);
      const [values, ...buffers] = updateFlat(optimizer, state, { slope, ...factors }, learningRate, step);
      if (options.norms !== undefined) {
        this.#norms ??= new DeviceNorms(this.#moving);
        norms = this.#norms.of(options.norms, gradient, state.values, values);
      }
      // Kept before the old ones go: tidy frees what is not.
      this.#values.value = values;
      this.#buffers.forEach((slot, index) => (slot.value = buffers[index]));
      this.#step = step;
      this.#average();
    });
    this.#gathered.dispose();
    return norms ?? null;
  }

  updateStatistics(seen: readonly BatchStatistics[]): void {
    if (seen.length === 0) return;
    this.#forget();
    const byName = new Map(
      seen.flatMap((s) => [[s.meanName, s.mean] as const, [s.varianceName, s.varBiased] as const]),
    );
    const { momentum, factor } = this.#averagingOf(seen);
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
    const slots = [this.#values, this.#statistics, this.#averages ?? this.#values, ...this.#buffers];
    const flats = slots.map((slot) => tf.clone(slot.value));
    try {
      // A synchronisation: a checkpoint is being written.
      const [values, statistics, averages, ...buffers] = await Promise.all(flats.map((flat) => flat.data<'float32'>()));
      const names = bufferNames(this.#specification.optimizer);
      return {
        step,
        parameters: new Map([
          ...copies(values, this.#moving, this.#frozen),
          ...copies(statistics, this.#layout.statistics),
        ]),
        ...(this.#averages === null ? {} : { ema: new Map(copies(averages, this.#moving, this.#frozenAverages)) }),
        optimizer: new Map(names.map((name, index) => [name, this.#spread(buffers[index], index)])),
      };
    } finally {
      tf.dispose(flats);
    }
  }

  write(state: TrainState): void {
    this.#fill(state.parameters);
    this.#fillAverages(state.ema ?? state.parameters);
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
    this.discard();
    for (const slot of [this.#values, ...this.#buffers, this.#statistics, this.#averages]) slot?.dispose();
    for (const factors of [this.#decays, this.#rates, this.#since]) factors?.dispose();
    for (const { momentum, factor } of this.#averaging.values()) tf.dispose([momentum, factor]);
    this.#averaging.clear();
    this.#norms?.dispose();
    this.#norms = null;
  }

  #fill(parameters: ParameterValues): void {
    this.discard();
    this.#values.value = this.#together(parameters, this.#moving, this.#movingSize);
    this.#statistics.value = this.#together(parameters, this.#layout.statistics, this.#layout.statisticsSize);
    this.#keepFrozen(this.#frozen, parameters);
  }

  #fillAverages(averages: ParameterValues): void {
    if (this.#averages === null) return;
    this.#averages.value = this.#together(averages, this.#moving, this.#movingSize);
    this.#keepFrozen(this.#frozenAverages, averages);
  }

  #keepFrozen(into: Map<string, Float32Array>, values: ParameterValues): void {
    for (const placed of this.#layout.trainable) {
      if (!placed.moves) into.set(placed.name, valuesOf(values, placed).slice());
    }
  }

  #together(values: ParameterValues, all: readonly Placed[], size: number): tf.Tensor1D {
    const flat = new Float32Array(size);
    for (const placed of all) flat.set(valuesOf(values, placed), placed.begin);
    return tf.tensor1d(flat);
  }

  /** The gradients in one vector, in the order of what moves. */
  #flat(gradients: Gradients): tf.Tensor1D {
    const parts = this.#moving.map(({ name, size }) => {
      const gradient = gradients.get(name);
      return gradient === undefined ? tf.zeros<tf.Rank.R1>([size]) : tf.reshape<tf.Rank.R1>(gradient, [size]);
    });
    return parts.length === 1 ? parts[0] : tf.concat1d(parts);
  }

  /** Every parameter as a tensor, the trainable ones from these vectors. */
  #cut(flat: tf.Tensor1D, frozen: ReadonlyMap<string, Float32Array>): ReadonlyMap<string, tf.Tensor> {
    const tensors = new Map<string, tf.Tensor>();
    const cut =
      (from: tf.Tensor1D) =>
      ({ name, begin, size, shape }: Placed): void => {
        tensors.set(name, tf.keep(tf.tidy(() => tf.reshape(tf.slice1d(from, begin, size), shape))));
      };
    this.#moving.forEach(cut(flat));
    if (this.#layout.statisticsSize > 0) this.#layout.statistics.forEach(cut(this.#statistics.value));
    for (const { name, shape, moves } of this.#layout.trainable) {
      const values = frozen.get(name);
      if (moves || values === undefined) continue;
      const kept = this.#frozenTensors.get(values) ?? tf.keep(tf.tensor(values, shape, 'float32'));
      this.#frozenTensors.set(values, kept);
      tensors.set(name, kept);
    }
    return tensors;
  }

  #average(): void {
    const { ema } = this.#specification;
    if (!ema || this.#averages === null) return;
    const { value } = this.#averages;
    const share = averagingShare(ema, this.#step);
    this.#averages.value = tf.add(value, tf.mul(tf.sub(this.#values.value, value), share));
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
  #averagingOf(seen: readonly BatchStatistics[]): Averaging {
    const key = seen.map(({ meanName, count }) => `${meanName}:${count}`).join();
    const known = this.#averaging.get(key);
    if (known !== undefined) return known;
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
    const averaging = { momentum: tf.keep(tf.tensor1d(momentum)), factor: tf.keep(tf.tensor1d(factor)) };
    this.#averaging.set(key, averaging);
    return averaging;
  }

  #forget(): void {
    const frozen = new Set(this.#frozenTensors.values());
    for (const tensors of [this.#tensors, this.#averageTensors]) {
      for (const tensor of tensors?.values() ?? []) if (!frozen.has(tensor)) tensor.dispose();
    }
    this.#tensors = null;
    this.#averageTensors = null;
  }

  #forgetFrozen(): void {
    for (const tensor of this.#frozenTensors.values()) tensor.dispose();
    this.#frozenTensors.clear();
  }
}

/** Each parameter's own values, of what lies in a flat vector and of what does not. */
function copies(
  flat: Float32Array,
  all: readonly Placed[],
  apart: ReadonlyMap<string, Float32Array> = new Map(),
): (readonly [string, Float32Array])[] {
  const placed = all.map(({ name, begin, size }) => [name, flat.slice(begin, begin + size)] as const);
  return [...placed, ...[...apart].map(([name, values]) => [name, values.slice()] as const)];
}
