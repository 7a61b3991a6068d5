// MobileNetV1 at width 0.25.

import type { ModelMeta } from '$lib/models/contract';
import { MOBILENET_V1 } from '$lib/models/mobile-families';

const meta: ModelMeta = {
  ...MOBILENET_V1,
  id: 'mobilenetv1_025',
  title: 'MobileNetV1 0.25',
  summary: 'The smallest with pretrained weights: features of photographs within seconds on any machine.',
  source: 'Keras Applications MobileNet (alpha 0.25) in its arithmetic; names as in timm mobilenetv1_100',
  parameters: 215_642,
  flops: 84_087_562,
  minimumMemory: 101_825_632,
  pretrained: [],
  recommended: { imageSize: 224, batchSize: 32 },
};

export default meta;
