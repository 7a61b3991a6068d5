// MobileNetV4 (Qin et al. 2024), the convolutional ones, with timm's names, numbers and initialisation.

import type { Block } from './mobile-blocks';
import type { MobileNetwork } from './mobile-network';

const convolution = (kernel: number, filters: number, stride: 1 | 2 = 1) =>
  ({ kind: 'convolution', kernel, filters, stride }) as const satisfies Block;

/** `start` and `middle`: kernels of the depthwise convolutions before and after the expansion. */
const universal = (start: number, middle: number, expansion: number, filters: number, stride: 1 | 2 = 1) =>
  ({ kind: 'universal', start, middle, expansion, filters, stride }) as const satisfies Block;

export const mobileNetV4ConvSmall: MobileNetwork = {
  stem: 32,
  activation: 'relu',
  stages: [
    [convolution(3, 32, 2), convolution(1, 32)],
    [convolution(3, 96, 2), convolution(1, 64)],
    [universal(5, 5, 3, 96, 2), { ...universal(0, 3, 2, 96), repeats: 4 }, universal(3, 0, 4, 96)],
    [
      universal(3, 3, 6, 128, 2),
      universal(5, 5, 4, 128),
      universal(0, 5, 4, 128),
      universal(0, 5, 3, 128),
      { ...universal(0, 3, 4, 128), repeats: 2 },
    ],
    [convolution(1, 960)],
  ],
  head: { kind: 'pooled', filters: 1280, norm: true },
};
