// What the siblings of each mobile family have in common in their metadata. Data only.

import type { ModelMeta, PretrainedWeights } from './contract';
import { IMAGENET } from './pretrained';

type Family = Pick<ModelMeta, 'tasks' | 'paper' | 'weightsLicence' | 'sizeMultiple' | 'minimumSize' | 'tags'>;

const shared = {
  tasks: ['classification'],
  weightsLicence: 'Apache-2.0 (timm)',
  sizeMultiple: 1,
  minimumSize: 32,
} as const;

export const MOBILENET_V1: Family = {
  ...shared,
  weightsLicence: 'Apache-2.0 (Google, through Keras Applications)',
  paper: {
    title: 'MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications',
    authors: 'Howard, Zhu, Chen, Kalenichenko, Wang, Weyand, Andreetto, Adam',
    year: 2017,
    url: 'https://arxiv.org/abs/1704.04861',
  },
  tags: ['mobile', 'depthwise', 'photographs', 'keras'],
};

export const MOBILENET_V2: Family = {
  ...shared,
  paper: {
    title: 'MobileNetV2: Inverted Residuals and Linear Bottlenecks',
    authors: 'Sandler, Howard, Zhu, Zhmoginov, Chen',
    year: 2018,
    url: 'https://arxiv.org/abs/1801.04381',
  },
  tags: ['mobile', 'depthwise', 'residual', 'photographs'],
};

export const MOBILENET_V3: Family = {
  ...shared,
  paper: {
    title: 'Searching for MobileNetV3',
    authors: 'Howard, Sandler, Chu, Chen, Chen, Tan, Wang, Zhu, Pang, Vasudevan, Le, Adam',
    year: 2019,
    url: 'https://arxiv.org/abs/1905.02244',
  },
  tags: ['mobile', 'depthwise', 'residual', 'squeeze-excitation', 'photographs'],
};

export const MOBILENET_V4: Family = {
  ...shared,
  paper: {
    title: 'MobileNetV4: Universal Models for the Mobile Ecosystem',
    authors: 'Qin, Leichner, Delakis, Fornoni, Luo, Yang, Wang, Banbury, Ye, Akin, Aggarwal, Zhu, Moro, Howard',
    year: 2024,
    url: 'https://arxiv.org/abs/2404.10518',
  },
  tags: ['mobile', 'depthwise', 'residual', 'photographs'],
};

export const EFFICIENTNET: Family = {
  ...shared,
  paper: {
    title: 'EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks',
    authors: 'Tan, Le',
    year: 2019,
    url: 'https://arxiv.org/abs/1905.11946',
  },
  tags: ['accurate', 'depthwise', 'residual', 'squeeze-excitation', 'photographs'],
};

/** Weights of timm on the hub for ImageNet-1k, which all of these families have. `name` is without 'timm/'. */
export function timmWeights(
  name: string,
  bytes: number,
  changes: Partial<Pick<PretrainedWeights, 'imageSize' | 'mean' | 'std'>> = {},
): PretrainedWeights {
  return {
    name: `timm/${name}`,
    data: 'ImageNet-1k',
    licence: 'Apache-2.0',
    bytes,
    imageSize: 224,
    ...IMAGENET,
    interpolation: 'bicubic',
    ...changes,
  };
}
