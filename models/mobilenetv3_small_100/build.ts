// MobileNetV3 small at width 1.0 as a graph.

import type { BuildModel } from '$lib/models/contract';
import { buildMobileNetwork } from '$lib/models/blocks/mobile-network';
import { mobileNetV3Small } from '$lib/models/blocks/mobilenetv3';
import { readSettings } from '$lib/models/settings';
import { fields } from './config';

const build: BuildModel = (request) => {
  const { dropout, drop_path: dropPath } = readSettings(fields, request.config, 'mobilenetv3_small_100');
  return buildMobileNetwork(request, mobileNetV3Small, { dropout, dropPath });
};

export default build;
