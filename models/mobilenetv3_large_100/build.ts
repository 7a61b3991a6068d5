// MobileNetV3 large at width 1.0 as a graph.

import type { BuildModel } from '$lib/models/contract';
import { buildMobileNetwork } from '$lib/models/blocks/mobile-network';
import { mobileNetV3Large } from '$lib/models/blocks/mobilenetv3';
import { readSettings } from '$lib/models/settings';
import { fields } from './config';

const build: BuildModel = (request) => {
  const { dropout, drop_path: dropPath } = readSettings(fields, request.config, 'mobilenetv3_large_100');
  return buildMobileNetwork(request, mobileNetV3Large, { dropout, dropPath });
};

export default build;
