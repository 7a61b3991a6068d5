// ConvNeXt Femto as a graph.

import type { BuildModel } from '$lib/models/contract';
import { buildConvNeXt } from '$lib/models/blocks/convnext';
import { readSettings } from '$lib/models/settings';
import { fields } from './config';

const build: BuildModel = (request) => {
  const { dropout, drop_path: dropPath } = readSettings(fields, request.config, 'convnext_femto');
  return buildConvNeXt(request, { depths: [2, 2, 6, 2], widths: [48, 96, 192, 384], dropout, dropPath });
};

export default build;
