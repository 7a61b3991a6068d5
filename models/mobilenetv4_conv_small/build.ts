// MobileNetV4 conv small as a graph.

import type { BuildModel } from '$lib/models/contract';
import { buildMobileNetwork } from '$lib/models/blocks/mobile-network';
import { mobileNetV4ConvSmall } from '$lib/models/blocks/mobilenetv4';
import { readSettings } from '$lib/models/settings';
import { fields } from './config';

const build: BuildModel = (request) => {
  const { dropout, drop_path: dropPath } = readSettings(fields, request.config, 'mobilenetv4_conv_small');
  return buildMobileNetwork(request, mobileNetV4ConvSmall, { dropout, dropPath });
};

export default build;
