// ConvNeXt Femto.

import type { ModelMeta } from '$lib/models/contract';
import { IMAGENET } from '$lib/models/pretrained';

const meta: ModelMeta = {
  id: 'convnext_femto',
  title: 'ConvNeXt Femto',
  summary: 'ConvNeXt Atto a fifth wider: more accurate for half as much work again.',
  tasks: ['classification'],
  paper: {
    title: 'A ConvNet for the 2020s',
    authors: 'Liu, Mao, Wu, Feichtenhofer, Darrell, Xie',
    year: 2022,
    url: 'https://arxiv.org/abs/2201.03545',
  },
  source: 'timm convnext_femto',
  weightsLicence: 'Apache-2.0 (timm)',
  parameters: 4_836_634,
  flops: 1_587_855_370,
  minimumMemory: 440_484_576,
  pretrained: [
    {
      name: 'timm/convnext_femto.d1_in1k',
      data: 'ImageNet-1k',
      licence: 'Apache-2.0',
      bytes: 20_900_000,
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
