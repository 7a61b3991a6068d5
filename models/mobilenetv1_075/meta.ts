// MobileNetV1 at width 0.75.

import type { ModelMeta } from '$lib/models/contract';
import { MOBILENET_V1 } from '$lib/models/mobile-families';

const meta: ModelMeta = {
  ...MOBILENET_V1,
  id: 'mobilenetv1_075',
  title: 'MobileNetV1 0.75',
  summary: 'Simple and quick: one chain of depthwise-separable blocks, three quarters as wide.',
  source: 'Keras Applications MobileNet (alpha 0.75) in its arithmetic; names as in timm mobilenetv1_100',
  parameters: 1_824_250,
  flops: 656_881_930,
  minimumMemory: 314_679_648,
  pretrained: [],
  recommended: { imageSize: 224, batchSize: 32 },
};

export default meta;
