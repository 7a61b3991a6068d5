import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '$lib/graph/builder';
import { backboneParameters } from '$lib/graph/passes';
import { stagesOf } from '$lib/graph/stages';
import { defaultsOf } from '$lib/core/validate';
import { buildModel } from '$lib/models/build';
import { MODELS } from '$lib/models/registry';

function statisticsOf(names: readonly string[]): string[] {
  return names.filter((name) => /running_(mean|var)$/.test(name));
}

describe.each(MODELS.map(({ meta, config }) => ({ id: meta.id, meta, config })))('$id', ({ id, meta, config }) => {
  it('has every backbone parameter in exactly one stage', async () => {
    const size = meta.recommended.imageSize;
    const graph = await buildModel(id, { config: defaultsOf(config.fields), imageSize: [size, size], classes: 5 });
    const stages = stagesOf(graph);
    const names = stages.flatMap(({ parameters }) => parameters);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => !statisticsOf([name]).length).sort()).toEqual([...backboneParameters(graph)].sort());
    expect(statisticsOf(names).sort()).toEqual(statisticsOf(graph.parameters.map(({ name }) => name)).sort());
    expect(stages.length).toBeGreaterThanOrEqual(3);
    expect(stages.length).toBeLessThanOrEqual(6);
    for (const { parameters } of stages) expect(parameters.length).toBeGreaterThan(0);
  });
});

async function stages(id: string, size: number) {
  const entry = MODELS.find(({ meta }) => meta.id === id);
  if (entry === undefined) throw new Error(id);
  const config = defaultsOf(entry.config.fields);
  return stagesOf(await buildModel(id, { config, imageSize: [size, size], classes: 5 }));
}

describe('stages', () => {
  it('are the resolutions of a residual network', async () => {
    const found = await stages('resnet18', 224);
    expect(found.map(({ name }) => name)).toEqual([
      'stage 1 (112 x 112)',
      'stage 2 (56 x 56)',
      'stage 3 (28 x 28)',
      'stage 4 (14 x 14)',
      'stage 5 (7 x 7)',
    ]);
    expect(found[0].parameters).toContain('conv1.weight');
    for (const [at, prefix] of ['layer1.', 'layer2.', 'layer3.', 'layer4.'].entries()) {
      expect(new Set(found[at + 1].parameters.map((name) => name.slice(0, 7)))).toEqual(new Set([prefix]));
    }
    expect(found[4].norms).toContain('layer4.1.bn2');
  });

  it('keep squeeze-and-excite and layers behind the last pool where they branch off', () => {
    const builder = new GraphBuilder([16, 16]);
    const a = builder.conv2d('a', builder.input, { filters: 4, kernel: 3, stride: 2, padding: 1 });
    const squeezed = builder.conv2d('se', builder.globalAvgPool(a, { keepDims: true }), { filters: 4, kernel: 1 });
    const b = builder.conv2d('b', builder.multiply(a, squeezed), { filters: 8, kernel: 3, stride: 2, padding: 1 });
    const features = builder.linear('last', builder.globalAvgPool(b), { features: 6 });
    const graph = builder.build(builder.linear('fc', features, { features: 2 }), { features });
    expect(stagesOf(graph).map(({ parameters }) => parameters)).toEqual([
      ['a.weight', 'a.bias', 'se.weight', 'se.bias'],
      ['b.weight', 'b.bias', 'last.weight', 'last.bias'],
    ]);
  });

  it('are four groups of blocks of a transformer, with what comes before and after', async () => {
    const found = await stages('vit_tiny_patch16_224', 224);
    expect(found.map(({ name }) => name)).toEqual([
      'stage 1 (blocks 1 to 3)',
      'stage 2 (blocks 4 to 6)',
      'stage 3 (blocks 7 to 9)',
      'stage 4 (blocks 10 to 12)',
    ]);
    for (const [at, { parameters }] of found.entries()) {
      const blocks = parameters.flatMap((name) => /^blocks\.(\d+)\./.exec(name)?.[1] ?? []);
      expect([...new Set(blocks)].map(Number)).toEqual([3 * at, 3 * at + 1, 3 * at + 2]);
    }
    expect(found[0].parameters).toEqual(expect.arrayContaining(['cls_token', 'pos_embed', 'patch_embed.proj.weight']));
    expect(found[3].parameters).toEqual(expect.arrayContaining(['norm.weight']));
  });

  it('need to know where the features end', () => {
    const builder = new GraphBuilder([8, 8]);
    const graph = builder.build(builder.linear('fc', builder.globalAvgPool(builder.input), { features: 2 }));
    expect(() => stagesOf(graph)).toThrow('where its features end');
  });
});
