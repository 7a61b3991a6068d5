// What models/<id>/meta.ts says against what the graph has and what the sources publish.

import { describe, expect, test } from 'vitest';
import { countFlops, countParameters, estimateTrainingMemory } from '$lib/graph/cost';
import type { Graph } from '$lib/graph/types';
import { buildModel } from '$lib/models/build';
import { MODELS, getModel } from '$lib/models/registry';

/** Without dropout, which is how little a model needs. */
function build(id: string, size: number, classes: number): Promise<Graph> {
  const drops = Object.keys(getModel(id).config.fields).filter((name) => name.startsWith('drop'));
  const config = Object.fromEntries(drops.map((name) => [name, 0]));
  return buildModel(id, { config, imageSize: [size, size], classes });
}

test.each(MODELS.map(({ meta }) => [meta.id, meta] as const))('%s announces its real costs', async (id, meta) => {
  const graph = await build(id, meta.recommended.imageSize, 10);
  const { parameters, flops, minimumMemory } = meta;
  expect({ parameters, flops, minimumMemory }).toEqual({
    parameters: countParameters(graph).trainable,
    flops: countFlops(graph),
    minimumMemory: estimateTrainingMemory(graph, 8, 'adamw').total,
  });
});

test.each(MODELS.map(({ meta }) => [meta.id, meta] as const))(
  '%s announces the size of its weights’ files',
  async (id, meta) => {
    for (const { name, bytes, data } of meta.pretrained) {
      // Weights for ImageNet-1k; the file is the state dict in float32 with a short header.
      if (!data.endsWith('ImageNet-1k')) continue;
      const { total } = countParameters(await build(id, meta.recommended.imageSize, 1000));
      expect(Math.abs(bytes / (4 * total) - 1), `${name}: about ${4 * total} bytes`).toBeLessThan(0.01);
    }
  },
);

/** Trainable parameters at 1,000 classes in millions, from timm's results files (torchvision's documentation for SqueezeNet). */
const PUBLISHED: Record<string, number> = {
  resnet34: 21.8,
  resnet50: 25.56,
  rexnet_100: 4.8,
  rexnet_150: 9.73,
  vit_tiny_patch16_224: 5.72,
  vit_small_patch16_224: 22.05,
  convnext_atto: 3.7,
  convnext_femto: 5.22,
  squeezenet1_1: 1.2355,
};

describe('a net for 1,000 classes has as many parameters as its source publishes', () => {
  test.each(Object.entries(PUBLISHED))('%s: %f million', async (id, millions) => {
    const { trainable } = countParameters(await build(id, 224, 1000));
    const digits = String(millions).split('.')[1]?.length ?? 0;
    expect(Number((trainable / 1e6).toFixed(digits))).toBe(millions);
  });
});
