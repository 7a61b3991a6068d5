// Norms by parameter of flat tensors, as one small tensor that waits on the device.

import * as tf from '@tensorflow/tfjs-core';
import type { LazyNorms } from '../contract';
import type { Placed } from './parameter-layout';
import { SquareSums } from './webgpu-square-sums';

export class DeviceNorms {
  readonly #placed: readonly Placed[];
  readonly #sums: SquareSums | null;

  constructor(placed: readonly Placed[]) {
    this.#placed = placed;
    this.#sums = SquareSums.for(placed);
  }

  /** Enqueues; call inside tf.tidy. `before` and `after`: the values around the update. */
  of(which: 'gradient' | 'all', gradient: tf.Tensor1D, before: tf.Tensor1D, after: tf.Tensor1D): LazyNorms {
    const flats = which === 'gradient' ? [gradient] : [gradient, before, tf.sub<tf.Tensor1D>(after, before)];
    const norms = tf.keep(tf.sqrt(tf.concat(flats.map((flat) => this.#squareSums(flat)))));
    const count = this.#placed.length;
    return {
      names: this.#placed.map(({ name }) => name),
      async read() {
        // A synchronisation: read late, as losses are.
        const values = await norms.data<'float32'>();
        norms.dispose();
        const found = { gradient: values.slice(0, count) };
        if (which === 'gradient') return found;
        return { ...found, weight: values.slice(count, 2 * count), update: values.slice(2 * count) };
      },
      dispose: () => norms.dispose(),
    };
  }

  dispose(): void {
    this.#sums?.dispose();
  }

  #squareSums(flat: tf.Tensor1D): tf.Tensor1D {
    if (this.#sums !== null) return this.#sums.of(flat);
    const squares = tf.square(flat);
    const sums = this.#placed.map(({ begin, size }) => tf.sum(tf.slice1d(squares, begin, size)));
    return tf.reshape<tf.Rank.R1>(tf.stack(sums), [sums.length]);
  }
}
