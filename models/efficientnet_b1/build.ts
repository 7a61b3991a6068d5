// EfficientNet-B1 as a graph.

import type { BuildModel } from '$lib/models/contract';
import { buildMobileNetwork } from '$lib/models/blocks/mobile-network';
import { efficientNet } from '$lib/models/blocks/efficientnet';
import { readSettings } from '$lib/models/settings';
import { fields } from './config';

const build: BuildModel = (request) => {
  const { dropout, drop_path: dropPath } = readSettings(fields, request.config, 'efficientnet_b1');
  return buildMobileNetwork(request, efficientNet(1, 1.1), { dropout, dropPath });
};

export default build;
