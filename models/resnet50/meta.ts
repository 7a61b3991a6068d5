// ResNet-50.

import type { ModelMeta } from '$lib/models/contract';
import { IMAGENET } from '$lib/models/pretrained';

const meta: ModelMeta = {
  id: 'resnet50',
  title: 'ResNet-50',
  summary:
    'The net that others are compared with: accurate, well known everywhere; at 224 pixels it wants a graphics card.',
  tasks: ['classification'],
  paper: {
    title: 'Deep Residual Learning for Image Recognition',
    authors: 'He, Zhang, Ren, Sun',
    year: 2016,
    url: 'https://arxiv.org/abs/1512.03385',
  },
  source: 'timm resnet50',
  weightsLicence: 'Apache-2.0 (timm), BSD-3-Clause (torchvision)',
  parameters: 23_528_522,
  flops: 8_202_161_162,
  minimumMemory: 1_503_888_352,
  pretrained: [
    {
      name: 'timm/resnet50.a1_in1k',
      data: 'ImageNet-1k',
      licence: 'Apache-2.0',
      bytes: 102_400_000,
      imageSize: 224,
      ...IMAGENET,
      interpolation: 'bicubic',
    },
    {
      name: 'timm/resnet50.tv_in1k',
      data: 'ImageNet-1k',
      licence: 'BSD-3-Clause',
      bytes: 102_400_000,
      imageSize: 224,
      ...IMAGENET,
      interpolation: 'bilinear',
    },
  ],
  recommended: { imageSize: 224, batchSize: 16 },
  sizeMultiple: 1,
  minimumSize: 32,
  tags: ['residual', 'photographs'],
};

export default meta;
