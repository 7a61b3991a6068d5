// MobileNetV3 large at width 1.0.

import type { ModelMeta } from '$lib/models/contract';
import { MOBILENET_V3, timmWeights } from '$lib/models/mobile-families';
import { SYMMETRIC } from '$lib/models/pretrained';

const meta: ModelMeta = {
  ...MOBILENET_V3,
  id: 'mobilenetv3_large_100',
  title: 'MobileNetV3 large',
  summary: 'More accurate than MobileNetV2 for less work: photographs on a phone or a laptop.',
  source: 'timm mobilenetv3_large_100',
  parameters: 4_214_842,
  flops: 445_658_226,
  minimumMemory: 486_871_840,
  pretrained: [
    timmWeights('mobilenetv3_large_100.ra_in1k', 22_000_000),
    timmWeights('mobilenetv3_large_100.ra4_e3600_r224_in1k', 22_000_000, SYMMETRIC),
  ],
  recommended: { imageSize: 224, batchSize: 32 },
};

export default meta;
