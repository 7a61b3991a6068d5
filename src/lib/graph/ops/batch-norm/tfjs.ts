// See op.ts.

import * as tf from '@tensorflow/tfjs-core';
import type { Forward } from '../forward';
import { activate, rank1, rank4, required } from '../shared/tfjs';

export const batchNorm: Forward<'batch_norm'> = (node, [x], context) => {
  const { epsilon } = node.attributes;
  const activation = context.fusedActivation(node);
  const channels = x.shape[x.rank - 1];
  const gamma = rank1(required(context, node, 'weight'), node);
  const beta = rank1(required(context, node, 'bias'), node);
  if (!context.usesBatchStatistics(node)) {
    // Two passes over the activations instead of four: scale and shift are per channel.
    const mean = required(context, node, 'running_mean');
    const scale = tf.mul(gamma, tf.rsqrt(tf.add(required(context, node, 'running_var'), epsilon)));
    return activate(tf.add(tf.mul(x, scale), tf.sub(beta, tf.mul(mean, scale))), activation);
  }
  const count = x.size / channels;
  const images = x.rank === 4 ? rank4(x, node) : tf.reshape<tf.Rank.R4>(x, [count, 1, 1, channels]);
  const { y, mean, varBiased } = context.kernels.batchNormTrain(images, gamma, beta, epsilon, activation);
  context.reportStatistics(node, mean, varBiased, count);
  return x.rank === 4 ? y : tf.reshape(y, x.shape);
};
