// ViT-Tiny/16 as a graph.

import type { BuildModel } from '$lib/models/contract';
import { buildVisionTransformer } from '$lib/models/blocks/vision-transformer';
import { readSettings } from '$lib/models/settings';
import { fields } from './config';

const build: BuildModel = (request) => {
  const { dropout, drop_path: dropPath } = readSettings(fields, request.config, 'vit_tiny_patch16_224');
  return buildVisionTransformer(request, { patch: 16, width: 192, depth: 12, heads: 3, dropout, dropPath });
};

export default build;
