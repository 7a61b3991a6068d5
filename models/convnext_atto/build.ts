// ConvNeXt Atto as a graph.

import type { BuildModel } from '$lib/models/contract';
import { buildConvNeXt } from '$lib/models/blocks/convnext';
import { readSettings } from '$lib/models/settings';
import { fields } from './config';

const build: BuildModel = (request) => {
  const { dropout, drop_path: dropPath } = readSettings(fields, request.config, 'convnext_atto');
  return buildConvNeXt(request, { depths: [2, 2, 6, 2], widths: [40, 80, 160, 320], dropout, dropPath });
};

export default build;
