// MobileNetV2 at width 1.0.

import type { ModelMeta } from '$lib/models/contract';
import { MOBILENET_V2, timmWeights } from '$lib/models/mobile-families';

const meta: ModelMeta = {
  ...MOBILENET_V2,
  id: 'mobilenetv2_100',
  title: 'MobileNetV2 1.0',
  summary: 'Made for phones: a fifth of ResNet-18’s size and a sixth of its work, for photographs of 96 to 224 pixels.',
  source: 'timm mobilenetv2_100',
  parameters: 2_236_682,
  flops: 312_588_810,
  minimumMemory: 299_337_440,
  pretrained: [timmWeights('mobilenetv2_100.ra_in1k', 14_200_000)],
  recommended: { imageSize: 160, batchSize: 32 },
};

export default meta;
