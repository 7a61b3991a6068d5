// MobileNetV4 conv small.

import type { ModelMeta } from '$lib/models/contract';
import { MOBILENET_V4, timmWeights } from '$lib/models/mobile-families';

const meta: ModelMeta = {
  ...MOBILENET_V4,
  id: 'mobilenetv4_conv_small',
  title: 'MobileNetV4 conv small',
  summary: 'Few operations and no slow ones: quick on every kind of device, with accurate pretrained weights.',
  source: 'timm mobilenetv4_conv_small',
  parameters: 2_505_834,
  flops: 373_578_058,
  minimumMemory: 200_468_448,
  pretrained: [
    timmWeights('mobilenetv4_conv_small.e2400_r224_in1k', 15_200_000),
    timmWeights('mobilenetv4_conv_small.e1200_r224_in1k', 15_200_000),
  ],
  recommended: { imageSize: 224, batchSize: 32 },
};

export default meta;
