// The mobile families: what their metadata says against what their graphs are, and timm's published sizes.

import { describe, expect, test } from 'vitest';
import { countFlops, countParameters, estimateTrainingMemory } from '$lib/graph/cost';
import type { Graph } from '$lib/graph/types';
import { buildModel } from '$lib/models/build';
import { MODELS, getModel } from '$lib/models/registry';
import { getWeightsMapping } from '$lib/models/weights';

const entries = MODELS.filter(({ meta }) => /^(mobilenet|efficientnet)/.test(meta.id));

/** Millions of parameters at 1,000 classes, of timm's table of results (param_count). */
const PUBLISHED: Readonly<Record<string, number>> = {
  mobilenetv1_100: 4.23,
  mobilenetv2_050: 1.97,
  mobilenetv2_100: 3.5,
  mobilenetv2_140: 6.11,
  mobilenetv3_small_100: 2.54,
  mobilenetv3_large_100: 5.48,
  mobilenetv4_conv_small: 3.77,
  efficientnet_b0: 5.29,
  efficientnet_b1: 7.79,
};

/** All variables, running statistics among them, of keras.applications.MobileNet with 1,000 classes. */
const KERAS: Readonly<Record<string, number>> = {
  mobilenetv1_025: 475_544,
  mobilenetv1_050: 1_342_536,
  mobilenetv1_075: 2_601_976,
  mobilenetv1_100: 4_253_864,
};

function build(id: string, size: number, classes: number): Promise<Graph> {
  // Without dropout, and without stochastic depth where there are shortcuts.
  const config = Object.fromEntries(Object.keys(getModel(id).config.fields).map((name) => [name, 0]));
  return buildModel(id, { config, imageSize: [size, size], classes });
}

test('all of the families are registered', () => {
  const ids = entries.map(({ meta }) => meta.id);
  expect(ids).toEqual(expect.arrayContaining([...Object.keys(PUBLISHED), ...Object.keys(KERAS)]));
});

describe.each(entries.map(({ meta }) => [meta.id, meta] as const))('%s', (id, meta) => {
  test('costs what its metadata says', async () => {
    const graph = await build(id, meta.recommended.imageSize, 10);
    const costs = {
      parameters: countParameters(graph).trainable,
      flops: countFlops(graph),
      minimumMemory: estimateTrainingMemory(graph, 8, 'adamw').total,
    };
    const { parameters, flops, minimumMemory } = meta;
    expect({ parameters, flops, minimumMemory }).toEqual(costs);
  });

  test('has the published number of parameters with 1,000 classes', async () => {
    const { trainable, total } = countParameters(await build(id, meta.minimumSize, 1000));
    expect(PUBLISHED[id] ?? KERAS[id]).toBeDefined();
    if (id in PUBLISHED) expect(Math.round(trainable / 1e4) / 100).toBe(PUBLISHED[id]);
    if (id in KERAS) expect(total).toBe(KERAS[id]);
  });

  test('says about how large its published files are', async () => {
    const { total } = countParameters(await build(id, meta.minimumSize, 1000));
    // Beside float32 values a file has names and offsets: 50 kB of header at the most.
    for (const { bytes } of meta.pretrained) expect(Math.abs(bytes - 4 * total)).toBeLessThan(100_000);
  });

  test('names the vector before the classifier as its features', async () => {
    const graph = await build(id, meta.minimumSize, 10);
    const classifier = graph.nodes.find((node) => node.id === graph.output);
    expect(classifier?.inputs).toEqual([graph.features]);
    expect(graph.nodes.find((node) => node.id === graph.features)?.shape).toHaveLength(1);
  });
});

describe('weights of Keras', () => {
  test.each(Object.keys(KERAS))('each parameter of %s has a variable of its own', async (id) => {
    const mapping = await getWeightsMapping(id);
    const names = (await build(id, 32, 10)).parameters.map(({ name }) => mapping?.keras?.(name) ?? null);
    expect(names).not.toContain(null);
    expect(new Set(names).size).toBe(names.length);
    expect(names.slice(0, 7)).toEqual([
      'conv1/kernel',
      'conv1_bn/gamma',
      'conv1_bn/beta',
      'conv1_bn/moving_mean',
      'conv1_bn/moving_variance',
      'conv_dw_1/depthwise_kernel',
      'conv_dw_1_bn/gamma',
    ]);
    expect(names.slice(-7)).toEqual([
      'conv_pw_13/kernel',
      'conv_pw_13_bn/gamma',
      'conv_pw_13_bn/beta',
      'conv_pw_13_bn/moving_mean',
      'conv_pw_13_bn/moving_variance',
      'conv_preds/kernel',
      'conv_preds/bias',
    ]);
  });

  test('names that are none of the model’s have no variable', async () => {
    const mapping = await getWeightsMapping('mobilenetv1_100');
    const foreign = [
      'conv_head.weight',
      'blocks.0.0.conv_pwl.weight',
      'bn1.scale',
      'conv_stem.scale',
      'constructor.weight',
      'bn1',
      '',
    ];
    expect(foreign.map((name) => mapping?.keras?.(name))).toEqual(foreign.map(() => null));
  });

  test('other models have no mapping', async () => {
    expect(await getWeightsMapping('mobilenetv2_100')).toBeNull();
    expect(await getWeightsMapping('imported')).toBeNull();
  });
});
