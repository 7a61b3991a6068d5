// gelu and layer norm as operations of their own: names, attributes and gradients; see own-ops.ts. A backend with kernels for them
// (wasm) registers those under these names.

import * as tf from '@tensorflow/tfjs-core';

export const GELU = { forward: 'TrainyardGelu', gradient: 'TrainyardGeluGradient' } as const;
export const LAYER_NORM = { forward: 'TrainyardLayerNorm', gradient: 'TrainyardLayerNormGradient' } as const;

export interface LayerNormAttributes {
  epsilon: number;
}

/** x times the normal distribution function at x. */
export function runGelu(x: tf.Tensor): tf.Tensor {
  return tf.engine().runKernel(GELU.forward, { x });
}

/** Over the last axis of x; gamma, beta [channels]. */
export function runLayerNorm(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, epsilon: number): tf.Tensor {
  const outputs: tf.Tensor[] = tf.engine().runKernel(LAYER_NORM.forward, { x, gamma, beta }, { epsilon });
  return outputs[0];
}

const geluGradient: tf.GradConfig = {
  kernelName: GELU.forward,
  inputsToSave: ['x'],
  gradFunc: (dy, [x]) => {
    if (Array.isArray(dy)) throw new Error('An activation has one output.');
    return { x: () => tf.engine().runKernel(GELU.gradient, { x, dy }) };
  },
};

const layerNormGradient: tf.GradConfig = {
  kernelName: LAYER_NORM.forward,
  inputsToSave: ['x', 'gamma'],
  outputsToSave: [false, true, true],
  gradFunc: (dys, [x, gamma, mean, inverse]) => {
    if (!Array.isArray(dys)) throw new Error('Layer norm has three outputs.');
    // One pass gives all three; run now for the reason that batch norm's has (own-ops.ts).
    const inputs = { x, dy: dys[0], gamma, mean, inverse };
    const gradients: tf.Tensor[] = tf.engine().runKernel(LAYER_NORM.gradient, inputs);
    return { x: () => gradients[0], gamma: () => gradients[1], beta: () => gradients[2] };
  },
};

/** Idempotent. */
export function registerTransformerGradients(): void {
  if (tf.getGradient(GELU.forward) !== undefined) return;
  tf.registerGradient(geluGradient);
  tf.registerGradient(layerNormGradient);
}
