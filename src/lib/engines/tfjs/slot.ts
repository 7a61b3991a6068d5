// A tensor that outlives the scope it was made in and frees the one it replaces.

import * as tf from '@tensorflow/tfjs-core';

export class Slot {
  #tensor: tf.Tensor1D | null = null;

  get filled(): boolean {
    return this.#tensor !== null;
  }

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
