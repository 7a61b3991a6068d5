// The update rules of optimizers.ts as operations on flat tensors: a fixed number of kernels whatever the number of layers.

import * as tf from '@tensorflow/tfjs-core';
import type { OptimizerSpecification } from '../contract';

export interface FlatTensors {
  values: tf.Tensor1D;
  /** One for each of bufferNames(optimizer). */
  buffers: readonly tf.Tensor1D[];
}

export interface FlatGradient {
  /** The gradient after clipping. */
  slope: tf.Tensor1D;
  /** 1 where weight decay acts; null: everywhere. */
  decays: tf.Tensor1D | null;
  /** Factors of the learning rate; null: 1 everywhere. */
  rates: tf.Tensor1D | null;
  /** Steps done before each value first moved; null: none anywhere. */
  since: tf.Tensor1D | null;
}

/** The values and then the buffers after one step; `step` counts from 1. Call inside tf.tidy; frees nothing of what it is given. */
export function updateFlat(
  optimizer: OptimizerSpecification,
  state: FlatTensors,
  { slope, decays, rates, since }: FlatGradient,
  learningRate: number,
  step: number,
): tf.Tensor1D[] {
  const { values, buffers } = state;
  const added = (weightDecay: number): tf.Tensor1D =>
    weightDecay === 0 ? slope : tf.add<tf.Tensor1D>(slope, decayOf(values, decays, weightDecay));
  if (optimizer.name === 'sgd') {
    const { momentum, nesterov, weightDecay } = optimizer;
    const full = added(weightDecay);
    if (momentum === 0) return [descend(values, scaled(full, rates), learningRate), full];
    const velocity = tf.add<tf.Tensor1D>(tf.mul(buffers[0], momentum), full);
    const direction = nesterov ? tf.add<tf.Tensor1D>(full, tf.mul(velocity, momentum)) : velocity;
    return [descend(values, scaled(direction, rates), learningRate), velocity];
  }
  if (optimizer.name === 'rmsprop') {
    const { alpha, epsilon, momentum, weightDecay } = optimizer;
    const full = added(weightDecay);
    const square = tf.add<tf.Tensor1D>(tf.mul(buffers[0], alpha), tf.mul(tf.square(full), 1 - alpha));
    const step = tf.div<tf.Tensor1D>(full, tf.add(tf.sqrt(square), epsilon));
    const velocity = momentum === 0 ? step : tf.add<tf.Tensor1D>(tf.mul(buffers[1], momentum), step);
    return [descend(values, scaled(velocity, rates), learningRate), square, velocity];
  }
  const { name, betas, epsilon, weightDecay, amsgrad } = optimizer;
  const [beta1, beta2] = betas;
  const full = name === 'adam' ? added(weightDecay) : slope;
  const mean = tf.add<tf.Tensor1D>(tf.mul(buffers[0], beta1), tf.mul(full, 1 - beta1));
  const square = tf.add<tf.Tensor1D>(tf.mul(buffers[1], beta2), tf.mul(tf.square(full), 1 - beta2));
  const largest = amsgrad ? [tf.maximum<tf.Tensor1D>(buffers[2], square)] : [];
  const spread = tf.add(tf.sqrt(tf.div(largest[0] ?? square, corrected(beta2, step, since))), epsilon);
  const decay = name === 'adamw' ? learningRate * weightDecay : 0;
  const kept = decay === 0 ? values : tf.sub<tf.Tensor1D>(values, scaled(decayOf(values, decays, decay), rates));
  const direction = tf.div<tf.Tensor1D>(tf.div(mean, corrected(beta1, step, since)), spread);
  return [descend(kept, scaled(direction, rates), learningRate), mean, square, ...largest];
}

/** 1 - beta^t, t counted from where each value first moved. */
function corrected(beta: number, step: number, since: tf.Tensor1D | null): tf.Tensor | number {
  return since === null ? 1 - beta ** step : tf.sub(1, tf.pow(beta, tf.sub(step, since)));
}

function scaled(direction: tf.Tensor1D, rates: tf.Tensor1D | null): tf.Tensor1D {
  return rates === null ? direction : tf.mul<tf.Tensor1D>(direction, rates);
}

function descend(values: tf.Tensor1D, direction: tf.Tensor1D, rate: number): tf.Tensor1D {
  return tf.sub<tf.Tensor1D>(values, tf.mul(direction, rate));
}

function decayOf(values: tf.Tensor1D, decays: tf.Tensor1D | null, weightDecay: number): tf.Tensor1D {
  const shrunk = tf.mul<tf.Tensor1D>(values, weightDecay);
  return decays === null ? shrunk : tf.mul<tf.Tensor1D>(shrunk, decays);
}

/** torch's clip_grad_value_, then its clip_grad_norm_, without reading the norm back. */
export function clipFlat(
  gradient: tf.Tensor1D,
  { clipNorm, clipValue = 0 }: { clipNorm: number; clipValue?: number },
): tf.Tensor1D {
  const cut = clipValue > 0 ? tf.clipByValue<tf.Tensor1D>(gradient, -clipValue, clipValue) : gradient;
  if (clipNorm === 0) return cut;
  const norm = tf.sqrt(tf.sum(tf.square(cut)));
  return tf.mul<tf.Tensor1D>(cut, tf.minimum(tf.div(clipNorm, tf.add(norm, 1e-6)), 1));
}
