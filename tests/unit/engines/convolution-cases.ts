// Convolutions of every kind, for the backends with kernels of their own. Not a test itself.

import type { ConvGeometry } from '$lib/engines/tfjs/wasm';

export interface Case {
  name: string;
  x: [number, number, number, number];
  /** [kh, kw, filters] and, for depthwise, [kh, kw, multiplier]. */
  kernel: [number, number, number];
  geometry?: Partial<ConvGeometry>;
  groups?: number;
}

export const PLAIN: ConvGeometry = { strides: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1] };

export const CONVOLUTIONS: Case[] = [
  { name: '1x1', x: [2, 5, 7, 16], kernel: [1, 1, 24] },
  { name: '1x1 with channel counts that fill no vector', x: [3, 5, 3, 7], kernel: [1, 1, 10] },
  { name: '1x1 over more rows than a block', x: [3, 20, 20, 65], kernel: [1, 1, 33] },
  { name: '1x1 stride 2', x: [2, 7, 8, 12], kernel: [1, 1, 8], geometry: { strides: [2, 2] } },
  { name: '1x1 padded', x: [2, 3, 3, 4], kernel: [1, 1, 4], geometry: { padding: [1, 0, 0, 1] } },
  { name: '3x3 of an image', x: [2, 11, 9, 3], kernel: [3, 3, 32], geometry: { padding: [1, 1, 1, 1] } },
  {
    name: '3x3 stride 2, odd size, uneven padding',
    x: [2, 9, 11, 8],
    kernel: [3, 3, 16],
    geometry: { strides: [2, 2], padding: [0, 1, 0, 1] },
  },
  { name: '7x7 stride 2', x: [1, 15, 15, 3], kernel: [7, 7, 9], geometry: { strides: [2, 2], padding: [3, 3, 3, 3] } },
  { name: '1x5 kernel', x: [2, 6, 9, 5], kernel: [1, 5, 6], geometry: { padding: [0, 0, 2, 2] } },
  {
    name: '3x3 dilated by 2',
    x: [2, 9, 9, 4],
    kernel: [3, 3, 8],
    geometry: { padding: [2, 2, 2, 2], dilation: [2, 2] },
  },
  {
    name: '3x2 dilated by 3 and 2 without padding',
    x: [1, 12, 9, 6],
    kernel: [3, 2, 5],
    geometry: { dilation: [3, 2] },
  },
  {
    name: 'two groups',
    x: [2, 6, 6, 8],
    kernel: [3, 3, 12],
    geometry: { padding: [1, 1, 1, 1], strides: [2, 1] },
    groups: 2,
  },
  { name: 'four groups 1x1', x: [2, 5, 5, 12], kernel: [1, 1, 20], groups: 4 },
  { name: 'five groups dilated', x: [2, 8, 8, 15], kernel: [3, 3, 10], geometry: { dilation: [2, 2] }, groups: 5 },
  {
    name: '3x3 over enough positions for XNNPACK',
    x: [2, 25, 24, 3],
    kernel: [3, 3, 10],
    geometry: { padding: [1, 0, 2, 1] },
  },
  {
    name: '3x3 dilated over enough positions for XNNPACK',
    x: [2, 25, 24, 3],
    kernel: [3, 3, 5],
    geometry: { padding: [2, 2, 1, 3], dilation: [2, 2] },
  },
  { name: 'kernel wider than the input', x: [2, 5, 2, 4], kernel: [3, 5, 6], geometry: { padding: [1, 1, 2, 2] } },
  { name: 'stride beyond the kernel', x: [2, 9, 9, 4], kernel: [2, 2, 4], geometry: { strides: [4, 3] } },
];

export const DEPTHWISE: Case[] = [
  { name: '3x3', x: [2, 7, 9, 16], kernel: [3, 3, 1], geometry: { padding: [1, 1, 1, 1] } },
  {
    name: '3x3 stride 2, odd channels',
    x: [3, 8, 9, 7],
    kernel: [3, 3, 1],
    geometry: { strides: [2, 2], padding: [1, 1, 1, 1] },
  },
  { name: '5x5 uneven padding', x: [2, 9, 8, 12], kernel: [5, 5, 1], geometry: { padding: [1, 2, 2, 1] } },
  { name: '3x3 dilated', x: [2, 9, 9, 8], kernel: [3, 3, 1], geometry: { padding: [2, 2, 2, 2], dilation: [2, 2] } },
  { name: 'two filters per channel', x: [2, 7, 7, 6], kernel: [3, 3, 2], geometry: { padding: [1, 1, 1, 1] } },
  { name: 'three filters per channel, stride 2', x: [1, 7, 7, 5], kernel: [3, 3, 3], geometry: { strides: [2, 2] } },
];
