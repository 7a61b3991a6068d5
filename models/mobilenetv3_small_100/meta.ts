// MobileNetV3 small at width 1.0.

import type { ModelMeta } from '$lib/models/contract';
import { MOBILENET_V3, timmWeights } from '$lib/models/mobile-families';

const meta: ModelMeta = {
  ...MOBILENET_V3,
  id: 'mobilenetv3_small_100',
  title: 'MobileNetV3 small',
  summary: 'Very little work for its accuracy: a good first choice with pretrained weights and no GPU.',
  source: 'timm mobilenetv3_small_100',
  parameters: 1_528_106,
  flops: 116_877_026,
  minimumMemory: 170_903_072,
  pretrained: [timmWeights('mobilenetv3_small_100.lamb_in1k', 10_200_000)],
  recommended: { imageSize: 224, batchSize: 32 },
};

export default meta;
