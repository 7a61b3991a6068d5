// The update rules of optimizers.ts as operations on flat tensors: a fixed number of kernels whatever the number of layers.

import * as tf from '@tensorflow/tfjs-core';
import type { OptimizerSpecification } from '../contract';

export interface FlatTensors {
  values: tf.Tensor1D;
  /** One for each of bufferNames(optimizer). */
  buffers: readonly tf.Tensor1D[];
}

export interface FlatGradient {
  gradient: tf.Tensor1D;
  /** 1 where weight decay acts; null: everywhere. */
  decays: tf.Tensor1D | null;
  /** Factors of the learning rate; null: 1 everywhere. */
  rates: tf.Tensor1D | null;
  /** Steps done before each value first moved; null: none anywhere. */
  since: tf.Tensor1D | null;
  /** 0 is off. */
  clipNorm: number;
}

/** The values and then the buffers after one step; `step` counts from 1. Call inside tf.tidy; frees nothing of what it is given. */
export function updateFlat(
  optimizer: OptimizerSpecification,
  state: FlatTensors,
  { gradient, decays, rates, since, clipNorm }: FlatGradient,
  learningRate: number,
  step: number,
): tf.Tensor1D[] {
  const slope = clipNorm > 0 ? clip(gradient, clipNorm) : gradient;
  const { values, buffers } = state;
  if (optimizer.name === 'sgd') {
    const { momentum, nesterov, weightDecay } = optimizer;
    const full = weightDecay === 0 ? slope : tf.add<tf.Tensor1D>(slope, decayOf(values, decays, weightDecay));
    if (momentum === 0) return [descend(values, scaled(full, rates), learningRate), full];
    const velocity = tf.add<tf.Tensor1D>(tf.mul(buffers[0], momentum), full);
    const direction = nesterov ? tf.add<tf.Tensor1D>(full, tf.mul(velocity, momentum)) : velocity;
    return [descend(values, scaled(direction, rates), learningRate), velocity];
  }
  const { betas, epsilon, weightDecay } = optimizer;
  const [beta1, beta2] = betas;
  const mean = tf.add<tf.Tensor1D>(tf.mul(buffers[0], beta1), tf.mul(slope, 1 - beta1));
  const square = tf.add<tf.Tensor1D>(tf.mul(buffers[1], beta2), tf.mul(tf.square(slope), 1 - beta2));
  const spread = tf.add(tf.sqrt(tf.div(square, corrected(beta2, step, since))), epsilon);
  const decay = learningRate * weightDecay;
  const kept = weightDecay === 0 ? values : tf.sub<tf.Tensor1D>(values, scaled(decayOf(values, decays, decay), rates));
  const direction = tf.div<tf.Tensor1D>(tf.div(mean, corrected(beta1, step, since)), spread);
  return [descend(kept, scaled(direction, rates), learningRate), mean, square];
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

/** torch's clip_grad_norm_, without reading the norm back. */
function clip(gradient: tf.Tensor1D, clipNorm: number): tf.Tensor1D {
  const norm = tf.sqrt(tf.sum(tf.square(gradient)));
  return tf.mul<tf.Tensor1D>(gradient, tf.minimum(tf.div(clipNorm, tf.add(norm, 1e-6)), 1));
}
