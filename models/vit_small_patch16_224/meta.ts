// ViT-Small/16.

import type { ModelMeta } from '$lib/models/contract';
import { SYMMETRIC } from '$lib/models/pretrained';

const meta: ModelMeta = {
  id: 'vit_small_patch16_224',
  title: 'ViT-Small/16',
  summary:
    'ViT-Tiny with twice the width: four times its work, more accurate with pretrained weights; a graphics card is wise.',
  tasks: ['classification'],
  paper: {
    title: 'An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale',
    authors: 'Dosovitskiy, Beyer, Kolesnikov, Weissenborn, Zhai, et al.',
    year: 2021,
    url: 'https://arxiv.org/abs/2010.11929',
  },
  source: 'timm vit_small_patch16_224',
  weightsLicence: 'Apache-2.0 (timm)',
  parameters: 21_669_514,
  flops: 9_253_794_994,
  minimumMemory: 1_182_308_064,
  pretrained: [
    {
      name: 'timm/vit_small_patch16_224.augreg_in21k_ft_in1k',
      data: 'ImageNet-21k, then ImageNet-1k',
      licence: 'Apache-2.0',
      bytes: 88_200_000,
      imageSize: 224,
      ...SYMMETRIC,
      interpolation: 'bicubic',
    },
    {
      name: 'timm/vit_small_patch16_224.augreg_in1k',
      data: 'ImageNet-1k',
      licence: 'Apache-2.0',
      bytes: 88_200_000,
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
