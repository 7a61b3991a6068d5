// MobileNetV1 at width 0.5.

import type { ModelMeta } from '$lib/models/contract';
import { MOBILENET_V1 } from '$lib/models/mobile-families';

const meta: ModelMeta = {
  ...MOBILENET_V1,
  id: 'mobilenetv1_050',
  title: 'MobileNetV1 0.5',
  summary: 'Small: photographs where MobileNetV1 0.25 is not accurate enough and time is short.',
  source: 'Keras Applications MobileNet (alpha 0.5) in its arithmetic; names as in timm mobilenetv1_100',
  parameters: 823_722,
  flops: 303_048_202,
  minimumMemory: 205_113_056,
  pretrained: [],
  recommended: { imageSize: 224, batchSize: 32 },
};

export default meta;
