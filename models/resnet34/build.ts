// ResNet-34 as a graph.

import type { BuildModel } from '$lib/models/contract';
import { buildResNet } from '$lib/models/blocks/resnet';
import { readSettings } from '$lib/models/settings';
import { fields } from './config';

const build: BuildModel = (request) => {
  const { dropout, drop_path: dropPath } = readSettings(fields, request.config, 'resnet34');
  return buildResNet(request, { block: 'basic', depths: [3, 4, 6, 3], dropout, dropPath });
};

export default build;
