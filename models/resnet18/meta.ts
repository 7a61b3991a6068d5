// ResNet-18.

import type { ModelMeta } from '$lib/models/contract';
import { IMAGENET } from '$lib/models/pretrained';

const meta: ModelMeta = {
  id: 'resnet18',
  title: 'ResNet-18',
  summary: 'The dependable middle: accurate on photographs, simple to deploy, needs a GPU or patience at 224 pixels.',
  tasks: ['classification'],
  paper: {
    title: 'Deep Residual Learning for Image Recognition',
    authors: 'He, Zhang, Ren, Sun',
    year: 2016,
    url: 'https://arxiv.org/abs/1512.03385',
  },
  source: 'timm resnet18',
  weightsLicence: 'Apache-2.0 (timm), BSD-3-Clause (torchvision)',
  parameters: 11_181_642,
  flops: 3_632_878_090,
  minimumMemory: 448_707_552,
  pretrained: [
    {
      name: 'timm/resnet18.a1_in1k',
      data: 'ImageNet-1k',
      licence: 'Apache-2.0',
      bytes: 46_800_000,
      imageSize: 224,
      ...IMAGENET,
      interpolation: 'bicubic',
    },
    {
      name: 'timm/resnet18.tv_in1k',
      data: 'ImageNet-1k',
      licence: 'BSD-3-Clause',
      bytes: 46_800_000,
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
