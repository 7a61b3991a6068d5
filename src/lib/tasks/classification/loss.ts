// The differentiable losses of classification on tfjs tensors: cross entropy reads logits, not probabilities; the supervised
// contrastive loss reads projections of any length.

import * as tf from '@tensorflow/tfjs-core';
import type { LossFunction } from '$lib/engines/contract';
import type { Annotation } from '$lib/storage/records';

export interface CrossEntropyOptions {
  /** Share of the target spread over all classes, epsilon. */
  labelSmoothing?: number;
  /** One factor for each class; null weighs every image alike. */
  classWeights?: Float32Array | null;
}

/**
 * Cross entropy as PyTorch's CrossEntropyLoss computes it for class indices, on one-hot targets t [n, classes]:
 * -sum(w * (t (1 - e) + e / classes) * log softmax(output)) / sum(w * t). With weights the mean is over weights, not images.
 */
export function crossEntropy({ labelSmoothing = 0, classWeights = null }: CrossEntropyOptions = {}): LossFunction {
  return (output, targets) => {
    const [count, classes] = output.shape;
    const logProbabilities = tf.logSoftmax(output); // [n, classes]
    const smooth = labelSmoothing === 0 ? targets : smoothed(targets, labelSmoothing, classes); // [n, classes]
    if (classWeights === null) return tf.div(tf.sum(tf.mul(smooth, logProbabilities)), -count);
    const weights = tf.tensor1d(classWeights);
    const total = tf.sum(tf.mul(targets, weights));
    return tf.neg(tf.div(tf.sum(tf.mul(tf.mul(smooth, weights), logProbabilities)), total));
  };
}

function smoothed(targets: tf.Tensor, share: number, classes: number): tf.Tensor {
  return tf.add(tf.mul(targets, 1 - share), share / classes);
}

/** Shorter projections than this have no direction; it keeps their gradient finite. */
const SMALLEST_LENGTH = 1e-12;
/** Taken off an image's similarity to itself, which then counts for nothing: beyond 1 / temperature by far. */
const ITSELF = 1e6;

/**
 * Supervised contrastive loss (Khosla et al. 2020, equation 2) on projections z [n, d], which it normalises, and one-hot targets
 * [n, classes]: the mean over images with another of their class in the batch of
 * -1 / |P(i)| sum over p in P(i) of log(exp(z_i z_p / t) / sum over a other than i of exp(z_i z_a / t)). 0 where there is no pair.
 */
export function supervisedContrastive({ temperature }: { temperature: number }): LossFunction {
  return (output, targets) => {
    const [count] = output.shape;
    const length = tf.sqrt(tf.maximum(tf.sum(tf.square(output), 1, true), SMALLEST_LENGTH ** 2)); // [n, 1]
    const directions = tf.div<tf.Tensor2D>(output, length); // [n, d]
    const similarities = tf.div(tf.matMul(directions, directions, false, true), temperature); // [n, n]
    const itself = tf.eye(count); // [n, n]
    const others = tf.sub(1, itself);
    const total = tf.logSumExp(tf.sub(similarities, tf.mul(itself, ITSELF)), 1, true); // [n, 1]
    const classes = tf.cast(targets, 'float32');
    const same = tf.mul(tf.matMul(classes, classes, false, true), others); // [n, n]
    const pairs = tf.sum(same, 1); // [n]
    const logarithms = tf.sum(tf.mul(same, tf.sub(similarities, total)), 1); // [n]
    const paired = tf.sum(tf.minimum(pairs, 1));
    const perImage = tf.div(logarithms, tf.maximum(pairs, 1));
    return tf.neg(tf.div(tf.sum(perImage), tf.maximum(paired, 1)));
  };
}

/** images / (classes * images of the class), as scikit-learn's 'balanced': the mean over the images is 1. */
export function inverseClassWeights(annotations: readonly Annotation[], classes: number): Float32Array {
  const counts = new Float64Array(classes);
  for (const annotation of annotations) if (annotation.kind === 'class') counts[annotation.class]++;
  const total = counts.reduce((sum, count) => sum + count, 0);
  // A class without images never weighs anything; 0 keeps the smoothed part of its loss finite.
  return Float32Array.from(counts, (count) => (count === 0 ? 0 : total / (classes * count)));
}
