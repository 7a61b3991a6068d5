// EfficientNet-B1.

import type { ModelMeta } from '$lib/models/contract';
import { EFFICIENTNET, timmWeights } from '$lib/models/mobile-families';
import { SYMMETRIC } from '$lib/models/pretrained';

const meta: ModelMeta = {
  ...EFFICIENTNET,
  id: 'efficientnet_b1',
  title: 'EfficientNet-B1',
  summary: 'Deeper than EfficientNet-B0 and seen at 240 pixels: the most accurate of these, needs a GPU.',
  source: 'timm efficientnet_b1',
  parameters: 6_525_994,
  flops: 1_440_905_706,
  minimumMemory: 1_361_267_552,
  pretrained: [
    timmWeights('efficientnet_b1.ra4_e3600_r240_in1k', 31_400_000, { ...SYMMETRIC, imageSize: 240 }),
    timmWeights('efficientnet_b1.ft_in1k', 31_400_000),
  ],
  recommended: { imageSize: 240, batchSize: 16 },
};

export default meta;
