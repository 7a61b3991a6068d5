// MobileNetV1 (Howard et al. 2017): timm's names, order and initialisation, but the arithmetic of Keras Applications, whose
// published weights it takes: TensorFlow's "same" padding and an epsilon of 1e-3. Keras pads 0 before and 1 after where the
// stride is 2, which is the same at the sizes that it has weights for (even at every stride).

import type { WeightsMapping } from '../contract';
import type { MobileNetwork } from './mobile-network';

/** Channels, repeats and first stride of each stage. */
const STAGES = [
  { filters: 64, repeats: 1, stride: 1 },
  { filters: 128, repeats: 2, stride: 2 },
  { filters: 256, repeats: 2, stride: 2 },
  { filters: 512, repeats: 6, stride: 2 },
  { filters: 1024, repeats: 2, stride: 2 },
] as const;

/** `width` multiplies channels (alpha in Keras): 0.25, 0.5, 0.75 or 1. */
export function mobileNetV1(width: number): MobileNetwork {
  return {
    stem: 32,
    width,
    activation: 'relu6',
    padding: 'same',
    epsilon: 1e-3,
    stages: STAGES.map((stage) => [{ kind: 'separable', plain: true, kernel: 3, ...stage }]),
    head: { kind: 'none' },
  };
}

const LAYERS: ReadonlyMap<string, string> = new Map([
  ['conv_stem', 'conv1'],
  ['bn1', 'conv1_bn'],
  ['classifier', 'conv_preds'],
]);

/** Keras numbers the blocks through, from 1; each has four layers. */
const BLOCK_LAYERS: ReadonlyMap<string, (block: number) => string> = new Map([
  ['conv_dw', (block) => `conv_dw_${block}`],
  ['bn1', (block) => `conv_dw_${block}_bn`],
  ['conv_pw', (block) => `conv_pw_${block}`],
  ['bn2', (block) => `conv_pw_${block}_bn`],
]);

/** Of a norm. */
const VARIABLES: ReadonlyMap<string, string> = new Map([
  ['weight', 'gamma'],
  ['bias', 'beta'],
  ['running_mean', 'moving_mean'],
  ['running_var', 'moving_variance'],
]);

/** The layer of Keras's MobileNet for a module path of ours. */
function kerasLayer(module: string): string | null {
  const match = /^blocks\.(\d+)\.(\d+)\.(\w+)$/.exec(module);
  if (match === null) return LAYERS.get(module) ?? null;
  const [, stage, place, layer] = match;
  const before = STAGES.slice(0, Number(stage)).reduce((sum, { repeats }) => sum + repeats, 0);
  return BLOCK_LAYERS.get(layer)?.(before + Number(place) + 1) ?? null;
}

/** Keras's name of a layer's variable. */
function kerasVariable(layer: string, role: string): string | null {
  if (layer.endsWith('_bn')) return VARIABLES.get(role) ?? null;
  if (role === 'bias') return 'bias';
  if (role !== 'weight') return null;
  return layer.startsWith('conv_dw') ? 'depthwise_kernel' : 'kernel';
}

/**
 * Weights of keras.applications.MobileNet, whose classifier `conv_preds` is a 1 x 1 convolution on the pooled features: the
 * same numbers as a linear layer's, in a kernel of shape [1, 1, in, out].
 */
export const kerasMobileNetV1: WeightsMapping = {
  keras: (parameter) => {
    const dot = parameter.lastIndexOf('.');
    const layer = kerasLayer(parameter.slice(0, dot));
    const variable = layer === null ? null : kerasVariable(layer, parameter.slice(dot + 1));
    return variable === null ? null : `${layer}/${variable}`;
  },
  kerasInput: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], channels: 'rgb' },
};
