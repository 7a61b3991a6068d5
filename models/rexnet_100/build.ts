// ReXNet 1.0 as a graph.

import type { BuildModel } from '$lib/models/contract';
import { buildReXNet } from '$lib/models/blocks/rexnet';
import { readSettings } from '$lib/models/settings';
import { fields } from './config';

const build: BuildModel = (request) => {
  const { dropout, drop_path: dropPath } = readSettings(fields, request.config, 'rexnet_100');
  return buildReXNet(request, { width: 1, dropout, dropPath });
};

export default build;
