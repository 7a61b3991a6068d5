// MobileNetV3 (Howard et al. 2019, tables 1 and 2) with timm's names, numbers and initialisation.

import type { Block } from './mobile-blocks';
import type { MobileNetwork } from './mobile-network';

const shared = {
  stem: 16,
  activation: 'hard_swish',
  squeeze: { from: 'hidden', activation: 'relu', gate: 'hard_sigmoid' },
} as const;

const inverted = (kernel: number, expansion: number, filters: number, stride: 1 | 2 = 1) =>
  ({ kind: 'inverted', kernel, expansion, filters, stride }) as const satisfies Block;

/** The early stages use ReLU, the cheaper one, on their large maps. */
const relu = { activation: 'relu' } as const;
const squeeze = { squeeze: true } as const;

export const mobileNetV3Small: MobileNetwork = {
  ...shared,
  stages: [
    [{ kind: 'separable', kernel: 3, filters: 16, stride: 2, ...relu, ...squeeze }],
    [
      { ...inverted(3, 4.5, 24, 2), ...relu },
      { ...inverted(3, 3.67, 24), ...relu },
    ],
    [
      { ...inverted(5, 4, 40, 2), ...squeeze },
      { ...inverted(5, 6, 40), ...squeeze, repeats: 2 },
    ],
    [{ ...inverted(5, 3, 48), ...squeeze, repeats: 2 }],
    [{ ...inverted(5, 6, 96, 2), ...squeeze, repeats: 3 }],
    [{ kind: 'convolution', kernel: 1, filters: 576, stride: 1 }],
  ],
  head: { kind: 'pooled', filters: 1024, norm: false },
};

export const mobileNetV3Large: MobileNetwork = {
  ...shared,
  stages: [
    [{ kind: 'separable', kernel: 3, filters: 16, stride: 1, ...relu }],
    [
      { ...inverted(3, 4, 24, 2), ...relu },
      { ...inverted(3, 3, 24), ...relu },
    ],
    [{ ...inverted(5, 3, 40, 2), ...relu, ...squeeze, repeats: 3 }],
    [inverted(3, 6, 80, 2), inverted(3, 2.5, 80), { ...inverted(3, 2.3, 80), repeats: 2 }],
    [{ ...inverted(3, 6, 112), ...squeeze, repeats: 2 }],
    [{ ...inverted(5, 6, 160, 2), ...squeeze, repeats: 3 }],
    [{ kind: 'convolution', kernel: 1, filters: 960, stride: 1 }],
  ],
  head: { kind: 'pooled', filters: 1280, norm: false },
};
