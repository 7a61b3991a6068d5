// ConvNeXt Atto.

import type { ModelMeta } from '$lib/models/contract';
import { IMAGENET } from '$lib/models/pretrained';

const meta: ModelMeta = {
  id: 'convnext_atto',
  title: 'ConvNeXt Atto',
  summary:
    'A modern convolutional net at a phone’s size: few parameters and high accuracy when it starts from pretrained weights.',
  tasks: ['classification'],
  paper: {
    title: 'A ConvNet for the 2020s',
    authors: 'Liu, Mao, Wu, Feichtenhofer, Darrell, Xie',
    year: 2022,
    url: 'https://arxiv.org/abs/2201.03545',
  },
  source: 'timm convnext_atto',
  weightsLicence: 'Apache-2.0 (timm)',
  parameters: 3_377_730,
  flops: 1_118_494_730,
  minimumMemory: 357_428_576,
  pretrained: [
    {
      name: 'timm/convnext_atto.d2_in1k',
      data: 'ImageNet-1k',
      licence: 'Apache-2.0',
      bytes: 14_800_000,
      imageSize: 224,
      ...IMAGENET,
      interpolation: 'bicubic',
    },
  ],
  recommended: { imageSize: 224, batchSize: 16 },
  sizeMultiple: 1,
  minimumSize: 32,
  tags: ['convnext', 'depthwise', 'photographs'],
};

export default meta;
