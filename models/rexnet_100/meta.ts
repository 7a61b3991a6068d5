// ReXNet 1.0.

import type { ModelMeta } from '$lib/models/contract';
import { IMAGENET } from '$lib/models/pretrained';

const meta: ModelMeta = {
  id: 'rexnet_100',
  title: 'ReXNet 1.0',
  summary: 'A mobile net whose layers all widen a little: more accurate than MobileNetV2 for slightly more work.',
  tasks: ['classification'],
  paper: {
    title: 'Rethinking Channel Dimensions for Efficient Model Design',
    authors: 'Han, Yun, Heo, Yoo',
    year: 2021,
    url: 'https://arxiv.org/abs/2007.00992',
  },
  source: 'timm rexnet_100',
  weightsLicence: 'MIT (NAVER)',
  parameters: 3_528_683,
  flops: 829_166_718,
  minimumMemory: 861_073_624,
  pretrained: [
    {
      name: 'timm/rexnet_100.nav_in1k',
      data: 'ImageNet-1k',
      licence: 'MIT',
      bytes: 19_400_000,
      imageSize: 224,
      ...IMAGENET,
      interpolation: 'bicubic',
    },
  ],
  recommended: { imageSize: 224, batchSize: 32 },
  sizeMultiple: 1,
  minimumSize: 32,
  tags: ['mobile', 'depthwise', 'squeeze-excitation', 'photographs'],
};

export default meta;
