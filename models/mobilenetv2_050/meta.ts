// MobileNetV2 at width 0.5.

import type { ModelMeta } from '$lib/models/contract';
import { MOBILENET_V2, timmWeights } from '$lib/models/mobile-families';

const meta: ModelMeta = {
  ...MOBILENET_V2,
  id: 'mobilenetv2_050',
  title: 'MobileNetV2 0.5',
  summary: 'Half the channels of MobileNetV2: a third of its work, for quick runs on photographs.',
  source: 'timm mobilenetv2_050',
  parameters: 700_490,
  flops: 199_192_970,
  minimumMemory: 291_506_080,
  pretrained: [timmWeights('mobilenetv2_050.lamb_in1k', 7_900_000)],
  recommended: { imageSize: 224, batchSize: 32 },
};

export default meta;
