// ViT-Tiny/16.

import type { ModelMeta } from '$lib/models/contract';
import { SYMMETRIC } from '$lib/models/pretrained';

const meta: ModelMeta = {
  id: 'vit_tiny_patch16_224',
  title: 'ViT-Tiny/16',
  summary:
    'Looks at the whole image in every layer: strong with pretrained weights, needs very many images without them.',
  tasks: ['classification'],
  paper: {
    title: 'An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale',
    authors: 'Dosovitskiy, Beyer, Kolesnikov, Weissenborn, Zhai, et al.',
    year: 2021,
    url: 'https://arxiv.org/abs/2010.11929',
  },
  source: 'timm vit_tiny_patch16_224',
  weightsLicence: 'Apache-2.0 (timm)',
  parameters: 5_526_346,
  flops: 2_535_381_598,
  minimumMemory: 508_628_064,
  pretrained: [
    {
      name: 'timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k',
      data: 'ImageNet-21k, then ImageNet-1k',
      licence: 'Apache-2.0',
      bytes: 22_900_000,
      imageSize: 224,
      ...SYMMETRIC,
      interpolation: 'bicubic',
    },
  ],
  recommended: { imageSize: 224, batchSize: 16 },
  sizeMultiple: 16,
  minimumSize: 32,
  tags: ['transformer', 'attention', 'photographs'],
};

export default meta;
