// EfficientNet (Tan and Le 2019) with timm's names, numbers and initialisation, at any width and depth.

import { roundChannels } from './channels';
import type { MobileNetwork } from './mobile-network';

/** Table 1 of the paper, B0: kernel, expansion, channels, repeats, first stride. */
const STAGES = [
  { kernel: 3, expansion: 1, filters: 16, repeats: 1, stride: 1 },
  { kernel: 3, expansion: 6, filters: 24, repeats: 2, stride: 2 },
  { kernel: 5, expansion: 6, filters: 40, repeats: 2, stride: 2 },
  { kernel: 3, expansion: 6, filters: 80, repeats: 3, stride: 2 },
  { kernel: 5, expansion: 6, filters: 112, repeats: 3, stride: 1 },
  { kernel: 5, expansion: 6, filters: 192, repeats: 4, stride: 2 },
  { kernel: 3, expansion: 6, filters: 320, repeats: 1, stride: 1 },
] as const;

/** `width` multiplies channels, `depth` the blocks of every stage (rounded up): 1 and 1 is B0, 1 and 1.1 is B1. */
export function efficientNet(width: number, depth: number): MobileNetwork {
  return {
    stem: 32,
    width,
    activation: 'silu',
    squeeze: { from: 'input', activation: 'silu', gate: 'sigmoid' },
    stages: STAGES.map(({ expansion, repeats, ...rest }) => {
      const block = { ...rest, repeats: Math.ceil(repeats * depth), squeeze: true };
      return [expansion === 1 ? { kind: 'separable', ...block } : { kind: 'inverted', expansion, ...block }];
    }),
    head: { kind: 'convolution', filters: roundChannels(1280 * width) },
  };
}
