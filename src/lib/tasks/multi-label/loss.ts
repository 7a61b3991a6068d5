// The differentiable losses of multi-label classification on tfjs tensors: each class is a yes or no of its own. They read logits and
// targets of 0..1 of any equal shape, the classes last.

import * as tf from '@tensorflow/tfjs-core';
import type { LossFunction } from '$lib/engines/contract';

export interface BinaryCrossEntropyOptions {
  /** One factor for each class, of the term of its presence; null is 1. */
  positiveWeights?: Float32Array | null;
}

/**
 * PyTorch's BCEWithLogitsLoss: the mean of (1 - t) softplus(x) + w t softplus(-x). With max(x, 0) + log(1 + exp(-|x|)) the slope at 0, where a
 * head of zeros starts, would hang on what max and abs are said to have there.
 */
export function binaryCrossEntropy({ positiveWeights = null }: BinaryCrossEntropyOptions = {}): LossFunction {
  return (output, targets) => {
    const present = tf.mul(targets, tf.softplus(tf.neg(output)));
    const weighted = positiveWeights === null ? present : tf.mul(present, tf.tensor1d(positiveWeights));
    return tf.mean(tf.add(weighted, tf.mul(tf.sub(1, targets), tf.softplus(output))));
  };
}

export interface SigmoidFocalOptions {
  gamma?: number;
  /** Weight of presence; that of absence is 1 - alpha. */
  alpha?: number;
  /** As in {@link BinaryCrossEntropyOptions}; on top of alpha. */
  positiveWeights?: Float32Array | null;
}

/** As in the focal loss over a softmax. */
const SMALLEST_DOUBT = 1e-7;

/**
 * Focal loss over sigmoids (Lin et al. 2017), torchvision's sigmoid_focal_loss with its mean: binary cross entropy times
 * alpha_t (1 - p_t)^gamma, p_t = p t + (1 - p)(1 - t).
 */
export function sigmoidFocal({
  gamma = 2,
  alpha = 0.25,
  positiveWeights = null,
}: SigmoidFocalOptions = {}): LossFunction {
  return (output, targets) => {
    const absent = tf.sub(1, targets);
    const present = tf.mul(targets, tf.softplus(tf.neg(output)));
    const weighted = positiveWeights === null ? present : tf.mul(present, tf.tensor1d(positiveWeights));
    const terms = tf.add(weighted, tf.mul(absent, tf.softplus(output)));
    const share = tf.add(tf.mul(targets, alpha), tf.mul(absent, 1 - alpha));
    if (gamma === 0) return tf.mean(tf.mul(share, terms));
    const p = tf.sigmoid(output);
    // 1 - p_t without the difference of two numbers near 1.
    const doubt = tf.add(tf.mul(targets, tf.sigmoid(tf.neg(output))), tf.mul(absent, p));
    return tf.mean(tf.mul(tf.mul(share, tf.pow(tf.maximum(doubt, SMALLEST_DOUBT), gamma)), terms));
  };
}
