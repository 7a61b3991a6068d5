// MobileNetV1 at width 0.5 as a graph.

import type { BuildModel } from '$lib/models/contract';
import { buildMobileNetwork } from '$lib/models/blocks/mobile-network';
import { mobileNetV1 } from '$lib/models/blocks/mobilenetv1';
import { readSettings } from '$lib/models/settings';
import { fields } from './config';

const build: BuildModel = (request) => {
  const { dropout } = readSettings(fields, request.config, 'mobilenetv1_050');
  return buildMobileNetwork(request, mobileNetV1(0.5), { dropout, dropPath: 0 });
};

export default build;
