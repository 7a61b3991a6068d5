// MobileNetV2 at width 1.4.

import type { ModelMeta } from '$lib/models/contract';
import { MOBILENET_V2, timmWeights } from '$lib/models/mobile-families';

const meta: ModelMeta = {
  ...MOBILENET_V2,
  id: 'mobilenetv2_140',
  title: 'MobileNetV2 1.4',
  summary: 'Wider than MobileNetV2 1.0: more accurate for twice the work.',
  source: 'timm mobilenetv2_140',
  parameters: 4_333_706,
  flops: 1_180_380_778,
  minimumMemory: 812_394_208,
  pretrained: [timmWeights('mobilenetv2_140.ra_in1k', 24_600_000)],
  recommended: { imageSize: 224, batchSize: 32 },
};

export default meta;
