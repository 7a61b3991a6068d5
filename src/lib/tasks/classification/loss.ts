// The differentiable loss of classification on tfjs tensors. Reads logits, not probabilities.

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

/** images / (classes * images of the class), as scikit-learn's 'balanced': the mean over the images is 1. */
export function inverseClassWeights(annotations: readonly Annotation[], classes: number): Float32Array {
  const counts = new Float64Array(classes);
  for (const annotation of annotations) if (annotation.kind === 'class') counts[annotation.class]++;
  const total = counts.reduce((sum, count) => sum + count, 0);
  // A class without images never weighs anything; 0 keeps the smoothed part of its loss finite.
  return Float32Array.from(counts, (count) => (count === 0 ? 0 : total / (classes * count)));
}
