// The differentiable losses of classification on tfjs tensors: cross entropy and focal loss read logits, not probabilities; the
// supervised contrastive loss reads projections of any length.

import * as tf from '@tensorflow/tfjs-core';
import type { LossFunction } from '$lib/engines/contract';

export interface CrossEntropyOptions {
  /** Share of the target spread over all classes, epsilon. */
  labelSmoothing?: number;
  /** One factor for each class; null weighs every image alike. */
  classWeights?: Float32Array | null;
  /**
   * Targets are probabilities, as of mixed images. Without class weights that changes nothing; with them the mean is over images,
   * where for one class an image it is over the weights: PyTorch's rule for its two kinds of targets.
   */
  probabilities?: boolean;
}

/**
 * Cross entropy as PyTorch's CrossEntropyLoss computes it, on targets t [n, classes] that sum to 1:
 * -sum(w * (t (1 - e) + e / classes) * log softmax(output)) divided by sum(w * t), or by n for {@link CrossEntropyOptions.probabilities}.
 */
export function crossEntropy(options: CrossEntropyOptions = {}): LossFunction {
  return (output, targets) => weightedMean(tf.logSoftmax(output), targets, options);
}

export interface FocalOptions extends CrossEntropyOptions {
  /** How much an image counts less, the surer its class is; 0 is cross entropy. */
  gamma?: number;
}

/** What is left of certainty at the least: its power below 1 has an infinite slope at 0. */
const SMALLEST_DOUBT = 1e-7;

/**
 * Focal loss (Lin et al. 2017, equation 4) over a softmax: cross entropy whose term of each class is multiplied by (1 - p)^gamma.
 * Smoothing, weights and the mean are those of {@link crossEntropy}.
 */
export function focal({ gamma = 2, ...options }: FocalOptions = {}): LossFunction {
  return (output, targets) => {
    const logProbabilities = tf.logSoftmax(output); // [n, classes]
    if (gamma === 0) return weightedMean(logProbabilities, targets, options);
    const doubt = tf.maximum(tf.sub(1, tf.exp(logProbabilities)), SMALLEST_DOUBT);
    return weightedMean(tf.mul(tf.pow(doubt, gamma), logProbabilities), targets, options);
  };
}

/** -sum(w * smoothed t * terms) over the sum of weights or the number of images. */
function weightedMean(
  terms: tf.Tensor,
  targets: tf.Tensor,
  { labelSmoothing = 0, classWeights = null, probabilities = false }: CrossEntropyOptions,
): tf.Tensor {
  const [count, classes] = terms.shape;
  const smooth = labelSmoothing === 0 ? targets : smoothed(targets, labelSmoothing, classes); // [n, classes]
  if (classWeights === null) return tf.div(tf.sum(tf.mul(smooth, terms)), -count);
  const weights = tf.tensor1d(classWeights);
  const weight = tf.sum(tf.mul(targets, weights));
  // Where no image of a batch weighs anything PyTorch divides by 0.
  const total = probabilities ? count : tf.where(tf.greater(weight, 0), weight, tf.fill([], count));
  return tf.neg(tf.div(tf.sum(tf.mul(tf.mul(smooth, weights), terms)), total));
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
