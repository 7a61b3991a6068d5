// Learning from another model's answers beside the labels (Hinton et al. 2015). Its answers come with the targets, so that the engine
// knows nothing of a teacher.

import * as tf from '@tensorflow/tfjs-core';
import type { LossFunction } from '$lib/engines/contract';

export interface DistillationOptions {
  /** Of both softmaxes (sigmoids). */
  temperature: number;
  /** Share of the teacher's part, 0..1; the labels have the rest. */
  weight: number;
  /** Of the model: the targets have twice as many columns, its own and then the teacher's, see soft-labels.ts beside this file. */
  outputs: number;
  /** How outputs become probabilities; 'softmax' where absent. */
  activation?: 'softmax' | 'sigmoid';
}

/** Logarithms below are of probabilities that are 0 in float32. */
const SMALLEST = 1e-30;

/**
 * (1 - weight) * loss(output, own targets) + weight * T^2 * KL(teacher || model at temperature T). The divergence is the mean over
 * images (PyTorch's kl_div with 'batchmean'); with sigmoids each class has its own and the mean is over images and classes, as that
 * of binary cross entropy. T^2 keeps its gradient as large as the labels' whatever T is.
 */
export function withDistillation(loss: LossFunction, options: DistillationOptions): LossFunction {
  const { temperature, weight, outputs, activation = 'softmax' } = options;
  const divergence = activation === 'softmax' ? softmaxDivergence : sigmoidDivergence;
  return (output, targets) => {
    const [count] = targets.shape;
    const own = tf.slice(targets, [0, 0], [count, outputs]);
    const teacher = tf.slice(targets, [0, outputs], [count, outputs]);
    const distance = tf.mul(divergence(tf.div(output, temperature), teacher), weight * temperature ** 2);
    return weight === 1 ? distance : tf.add(tf.mul(loss(output, own), 1 - weight), distance);
  };
}

function logarithm(probabilities: tf.Tensor): tf.Tensor {
  return tf.log(tf.maximum(probabilities, SMALLEST));
}

function softmaxDivergence(logits: tf.Tensor, teacher: tf.Tensor): tf.Tensor {
  const difference = tf.sub(logarithm(teacher), tf.logSoftmax(logits));
  return tf.div(tf.sum(tf.mul(teacher, difference)), logits.shape[0]);
}

function sigmoidDivergence(logits: tf.Tensor, teacher: tf.Tensor): tf.Tensor {
  const absent = tf.sub(1, teacher);
  // log sigmoid(x) = -softplus(-x), log(1 - sigmoid(x)) = -softplus(x).
  const presence = tf.mul(teacher, tf.add(logarithm(teacher), tf.softplus(tf.neg(logits))));
  const absence = tf.mul(absent, tf.add(logarithm(absent), tf.softplus(logits)));
  return tf.mean(tf.add(presence, absence));
}
