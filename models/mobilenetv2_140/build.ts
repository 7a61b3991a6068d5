// MobileNetV2 at width 1.4 as a graph.

import type { BuildModel } from '$lib/models/contract';
import { buildMobileNetwork } from '$lib/models/blocks/mobile-network';
import { mobileNetV2 } from '$lib/models/blocks/mobilenetv2';
import { readSettings } from '$lib/models/settings';
import { fields } from './config';

const build: BuildModel = (request) => {
  const { dropout, drop_path: dropPath } = readSettings(fields, request.config, 'mobilenetv2_140');
  return buildMobileNetwork(request, mobileNetV2(1.4), { dropout, dropPath });
};

export default build;
