// Runs the same differentiable function on two backends and compares values and gradients. Not a test itself.

// The whole package for its gradients: in Node its parts come without them.
import '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { registerWasmTrainingKernels } from '$lib/engines/tfjs/wasm';

/** Deterministic values without a pattern that strides could hide: a Weyl sequence, roughly uniform in (-1, 1). */
export function values(shape: readonly number[], seed = 1, scale = 1): Float32Array {
  const size = shape.reduce((a, b) => a * b, 1);
  return Float32Array.from({ length: size }, (_, i) => {
    const fraction = ((i + 1) * 0.618_033_988_749_894_9 + seed * 0.414_213_562) % 1;
    return scale * (2 * ((fraction * 7919) % 1) - 1);
  });
}

export interface Argument {
  shape: readonly number[];
  data?: Float32Array;
}

export interface Outcome {
  value: Float32Array;
  gradients: Float32Array[];
}

/** The value of f and the gradients of sum(f * weights) with respect to every argument. Checks that nothing leaks. */
export async function evaluate(
  backend: 'cpu' | 'wasm',
  f: (...tensors: tf.Tensor[]) => tf.Tensor,
  shapes: readonly (readonly number[])[],
): Promise<Outcome> {
  registerWasmTrainingKernels();
  await tf.setBackend(backend);
  const once = (): Outcome =>
    tf.tidy(() => {
      const inputs = shapes.map((shape, i) => tf.tensor(values(shape, i + 1), [...shape]));
      const shape = tf.tidy(() => f(...inputs).shape);
      const dy = tf.tensor(values(shape, 99), shape);
      const { value, grads } = tf.valueAndGrads(f)(inputs, dy);
      const read = (tensor: tf.Tensor): Float32Array => Float32Array.from(tensor.dataSync());
      return { value: read(value), gradients: grads.map(read) };
    });
  once();
  const before = { tensors: tf.memory().numTensors, data: tf.memory().numDataBuffers };
  const outcome = once();
  expect({ tensors: tf.memory().numTensors, data: tf.memory().numDataBuffers }).toEqual(before);
  return outcome;
}

/** Largest difference as a fraction of the largest magnitude of the reference. */
export function relativeDifference(actual: Float32Array, reference: Float32Array): number {
  expect(actual.length).toBe(reference.length);
  let difference = 0;
  let magnitude = 1e-30;
  for (let i = 0; i < reference.length; i++) {
    if (!Number.isFinite(actual[i])) return Infinity;
    difference = Math.max(difference, Math.abs(actual[i] - reference[i]));
    magnitude = Math.max(magnitude, Math.abs(reference[i]));
  }
  return difference / magnitude;
}

/**
 * Both backends agree on value and gradients. 1e-5 of the largest magnitude: float32 has 6e-8, sums here have up to a few
 * thousand terms, and the cpu backend adds in double precision.
 */
export async function expectAgreement(
  f: (...tensors: tf.Tensor[]) => tf.Tensor,
  shapes: readonly (readonly number[])[],
  tolerance = 1e-5,
): Promise<void> {
  const reference = await evaluate('cpu', f, shapes);
  const actual = await evaluate('wasm', f, shapes);
  expect(relativeDifference(actual.value, reference.value)).toBeLessThan(tolerance);
  for (const [i, gradient] of reference.gradients.entries()) {
    expect(relativeDifference(actual.gradients[i], gradient), `gradient ${i}`).toBeLessThan(tolerance);
  }
}
