// EfficientNet-B0.

import type { ModelMeta } from '$lib/models/contract';
import { EFFICIENTNET, timmWeights } from '$lib/models/mobile-families';
import { SYMMETRIC } from '$lib/models/pretrained';

const meta: ModelMeta = {
  ...EFFICIENTNET,
  id: 'efficientnet_b0',
  title: 'EfficientNet-B0',
  summary: 'Accurate for its size: photographs with fine differences, on a GPU or with patience.',
  source: 'timm efficientnet_b0',
  parameters: 4_020_358,
  flops: 812_124_278,
  minimumMemory: 856_092_960,
  pretrained: [
    timmWeights('efficientnet_b0.ra_in1k', 21_300_000),
    timmWeights('efficientnet_b0.ra4_e3600_r224_in1k', 21_300_000, SYMMETRIC),
  ],
  recommended: { imageSize: 224, batchSize: 16 },
};

export default meta;
