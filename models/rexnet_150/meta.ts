// ReXNet 1.5.

import type { ModelMeta } from '$lib/models/contract';
import { IMAGENET } from '$lib/models/pretrained';

const meta: ModelMeta = {
  id: 'rexnet_150',
  title: 'ReXNet 1.5',
  summary: 'ReXNet half again as wide: accuracy near ResNet-50 for a quarter of its work.',
  tasks: ['classification'],
  paper: {
    title: 'Rethinking Channel Dimensions for Efficient Model Design',
    authors: 'Han, Yun, Heo, Yoo',
    year: 2021,
    url: 'https://arxiv.org/abs/2007.00992',
  },
  source: 'timm rexnet_150',
  weightsLicence: 'MIT (NAVER)',
  parameters: 7_826_803,
  flops: 1_800_522_002,
  minimumMemory: 1_334_326_416,
  pretrained: [
    {
      name: 'timm/rexnet_150.nav_in1k',
      data: 'ImageNet-1k',
      licence: 'MIT',
      bytes: 39_200_000,
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
