// Norms by parameter of flat tensors, as one small tensor that waits on the device.

import * as tf from '@tensorflow/tfjs-core';
import type { LazyNorms } from '../contract';
import type { Placed } from './parameter-layout';

/** Enqueues; call inside tf.tidy. `before` and `after`: the values around the update. */
export function deviceNorms(
  which: 'gradient' | 'all',
  placed: readonly Placed[],
  gradient: tf.Tensor1D,
  before: tf.Tensor1D,
  after: tf.Tensor1D,
): LazyNorms {
  const flats = which === 'gradient' ? [gradient] : [gradient, before, tf.sub<tf.Tensor1D>(after, before)];
  const sums = flats.map((flat) => {
    const squares = tf.square(flat);
    return tf.stack(placed.map(({ begin, size }) => tf.sum(tf.slice1d(squares, begin, size))));
  });
  const norms = tf.keep(tf.sqrt(tf.concat(sums)));
  const count = placed.length;
  return {
    names: placed.map(({ name }) => name),
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
