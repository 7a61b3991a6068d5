// ResNet-18 as a graph.

import type { BuildModel } from '$lib/models/contract';
import { buildResNet } from '$lib/models/blocks/resnet';
import { readSettings } from '$lib/models/settings';
import { fields } from './config';

const build: BuildModel = (request) => {
  const { dropout, drop_path: dropPath } = readSettings(fields, request.config, 'resnet18');
  return buildResNet(request, { block: 'basic', depths: [2, 2, 2, 2], dropout, dropPath });
};

export default build;
