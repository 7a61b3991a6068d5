// See op.ts.

import * as tf from '@tensorflow/tfjs-core';
import type { Forward } from '../forward';
import { rank1, rank4, required } from '../shared/tfjs';

export const batchNorm: Forward<'batch_norm'> = (node, [x], context) => {
  const { epsilon } = node.attributes;
  const channels = x.shape[x.rank - 1];
  const gamma = rank1(required(context, node, 'weight'), node);
  const beta = rank1(required(context, node, 'bias'), node);
  if (!context.usesBatchStatistics(node)) {
    // Two passes over the activations instead of four: scale and shift are per channel.
    const mean = required(context, node, 'running_mean');
    const scale = tf.mul(gamma, tf.rsqrt(tf.add(required(context, node, 'running_var'), epsilon)));
    return tf.add(tf.mul(x, scale), tf.sub(beta, tf.mul(mean, scale)));
  }
  const count = x.size / channels;
  const images = x.rank === 4 ? rank4(x, node) : tf.reshape<tf.Rank.R4>(x, [count, 1, 1, channels]);
  const activation = context.fusedActivation(node);
  const { y, mean, varBiased } = context.kernels.batchNormTrain(images, gamma, beta, epsilon, activation);
  context.reportStatistics(node, mean, varBiased, count);
  return x.rank === 4 ? y : tf.reshape(y, x.shape);
};
