// MobileNetV1 at width 1.0.

import type { ModelMeta } from '$lib/models/contract';
import { MOBILENET_V1 } from '$lib/models/mobile-families';

const meta: ModelMeta = {
  ...MOBILENET_V1,
  id: 'mobilenetv1_100',
  title: 'MobileNetV1 1.0',
  summary: 'Simple and quick: one chain of depthwise-separable blocks, for weights from Keras.',
  source: 'Keras Applications MobileNet (alpha 1.0) in its arithmetic; names as in timm mobilenetv1_100',
  parameters: 3_217_226,
  flops: 1_145_588_746,
  minimumMemory: 430_525_408,
  pretrained: [],
  recommended: { imageSize: 224, batchSize: 32 },
};

export default meta;
