// MobileNetV2 at width 1.0.

import type { ModelMeta } from '$lib/models/contract';

const meta: ModelMeta = {
  id: 'mobilenetv2_100',
  title: 'MobileNetV2 1.0',
  summary: 'Made for phones: a fifth of ResNet-18’s size and a sixth of its work, for photographs of 96 to 224 pixels.',
  tasks: ['classification'],
  paper: {
    title: 'MobileNetV2: Inverted Residuals and Linear Bottlenecks',
    authors: 'Sandler, Howard, Zhu, Zhmoginov, Chen',
    year: 2018,
    url: 'https://arxiv.org/abs/1801.04381',
  },
  source: 'timm mobilenetv2_100',
  weightsLicence: 'Apache-2.0 (timm)',
  parameters: 2_236_682,
  flops: 1,
  minimumMemory: 1,
  pretrained: [],
  recommended: { imageSize: 160, batchSize: 32 },
  sizeMultiple: 1,
  minimumSize: 32,
  tags: ['mobile', 'depthwise', 'residual', 'photographs'],
};

export default meta;
