// MobileNetV1 at width 1 as a graph.

import type { BuildModel } from '$lib/models/contract';
import { buildMobileNetwork } from '$lib/models/blocks/mobile-network';
import { mobileNetV1 } from '$lib/models/blocks/mobilenetv1';
import { readSettings } from '$lib/models/settings';
import { fields } from './config';

const build: BuildModel = (request) => {
  const { dropout } = readSettings(fields, request.config, 'mobilenetv1_100');
  return buildMobileNetwork(request, mobileNetV1(1), { dropout, dropPath: 0 });
};

export default build;
