// ResNet-34.

import type { ModelMeta } from '$lib/models/contract';
import { IMAGENET } from '$lib/models/pretrained';

const meta: ModelMeta = {
  id: 'resnet34',
  title: 'ResNet-34',
  summary: 'ResNet-18 with twice the layers: somewhat more accurate for twice the work.',
  tasks: ['classification'],
  paper: {
    title: 'Deep Residual Learning for Image Recognition',
    authors: 'He, Zhang, Ren, Sun',
    year: 2016,
    url: 'https://arxiv.org/abs/1512.03385',
  },
  source: 'timm resnet34',
  weightsLicence: 'Apache-2.0 (timm), BSD-3-Clause (torchvision)',
  parameters: 21_289_802,
  flops: 7_335_390_218,
  minimumMemory: 730_890_208,
  pretrained: [
    {
      name: 'timm/resnet34.a1_in1k',
      data: 'ImageNet-1k',
      licence: 'Apache-2.0',
      bytes: 87_300_000,
      imageSize: 224,
      ...IMAGENET,
      interpolation: 'bicubic',
    },
    {
      name: 'timm/resnet34.tv_in1k',
      data: 'ImageNet-1k',
      licence: 'BSD-3-Clause',
      bytes: 87_300_000,
      imageSize: 224,
      ...IMAGENET,
      interpolation: 'bilinear',
    },
  ],
  recommended: { imageSize: 224, batchSize: 32 },
  sizeMultiple: 1,
  minimumSize: 32,
  tags: ['residual', 'photographs'],
};

export default meta;
