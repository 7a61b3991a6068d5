// MobileNetV2 (Sandler et al. 2018) with timm's names, numbers and initialisation, at any width.

import { roundChannels } from './channels';
import type { MobileNetwork } from './mobile-network';

/** Table 2 of the paper: expansion t, channels c, repeats n, first stride s. */
const STAGES = [
  { expansion: 1, filters: 16, repeats: 1, stride: 1 },
  { expansion: 6, filters: 24, repeats: 2, stride: 2 },
  { expansion: 6, filters: 32, repeats: 3, stride: 2 },
  { expansion: 6, filters: 64, repeats: 4, stride: 2 },
  { expansion: 6, filters: 96, repeats: 3, stride: 1 },
  { expansion: 6, filters: 160, repeats: 3, stride: 2 },
  { expansion: 6, filters: 320, repeats: 1, stride: 1 },
] as const;

/** `width` multiplies channels: 1 is mobilenetv2_100. */
export function mobileNetV2(width: number): MobileNetwork {
  return {
    stem: 32,
    width,
    activation: 'relu6',
    stages: STAGES.map(({ expansion, ...rest }) => {
      const block = { kernel: 3, ...rest };
      return [expansion === 1 ? { kind: 'separable', ...block } : { kind: 'inverted', expansion, ...block }];
    }),
    // The head is not narrowed below the paper's 1,280.
    head: { kind: 'convolution', filters: Math.max(1280, roundChannels(1280 * width)) },
  };
}
