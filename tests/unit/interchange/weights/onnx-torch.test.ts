// ONNX files that PyTorch has written: the imported networks compute what PyTorch computed, under PyTorch's names.
// tests/fixtures/weights/onnx/make.py made them, with torch 1.13.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '$lib/engines/contract';
import { toChannelsLast } from '$lib/interchange/verify/runner';
import type { ImageShape } from '$lib/interchange/verify/runner';
import { createExtractor } from '$lib/interchange/weights/onnx/extractor';
import { openOnnx } from '$lib/interchange/weights/onnx/open';
import { nodeEngine } from '../support/engine';
import { relativeDifference } from '../support/models';
import { imported, importedOutput } from '../support/onnx';

const FOLDER = join(import.meta.dirname, '../../../fixtures/weights/onnx');
/** Of the largest output: float32 sums, and outputs that are written with seven decimals. */
const TOLERANCE = 1e-5;
const SHAPE: ImageShape = [2, 32, 32, 3];

/** make.py's images. */
const channelsFirst = Float32Array.from({ length: 2 * 3 * 32 * 32 }, (_, at) => ((at * 7919) % 1009) / 1009);
const images = toChannelsLast(channelsFirst, SHAPE);

function file(name: string): Blob {
  return new Blob([new Uint8Array(readFileSync(join(FOLDER, `${name}.onnx`)))]);
}

const outputs: Record<string, number[]> = JSON.parse(readFileSync(join(FOLDER, 'outputs.json'), 'utf8'));

let engine: Engine;
beforeAll(async () => {
  engine = await nodeEngine('wasm');
});

/** Features of what length, and some of the names that PyTorch's own state dict has. */
const networks = [
  { name: 'resnet', features: 12, names: ['conv1.weight', 'layer1.1.downsample.0.weight', 'fc.bias'] },
  { name: 'mobile', features: 20, names: ['conv_stem.weight', 'se.conv_expand.bias', 'classifier.weight'] },
  {
    name: 'transformer',
    features: 12,
    names: ['cls_token', 'pos_embed', 'blocks.0.attn.qkv.bias', 'blocks.1.mlp.2.weight', 'norm.weight', 'head.weight'],
  },
  { name: 'convnext', features: 8, names: ['stem.weight', 'norm.bias', 'fc1.bias', 'gamma', 'head.bias'] },
  { name: 'multihead', features: 12, names: ['norm.weight', 'attn.out_proj.weight', 'head.bias'] },
  { name: 'squeeze', features: 12, names: ['squeeze.weight', 'expand3x3.bias', 'classifier.bias'] },
];

describe.each(networks)('$name', ({ name, features, names }) => {
  test('computes what PyTorch computed', async () => {
    const { output } = await importedOutput(engine, file(name), images, SHAPE);
    expect(relativeDifference(Float32Array.from(outputs[name]), output)).toBeLessThan(TOLERANCE);
  });

  test('has PyTorch’s names and the features before the classifier', async () => {
    const { graph, parameters } = await imported(file(name));
    expect(graph.parameters.map((parameter) => parameter.name)).toEqual(expect.arrayContaining(names));
    expect([...parameters.keys()].sort()).toEqual(graph.parameters.map((parameter) => parameter.name).sort());
    const node = graph.nodes.find(({ id }) => id === graph.features);
    expect(node?.shape.at(-1)).toBe(features);
    expect(node?.shape.slice(0, -1).every((length) => length === 1)).toBe(true);
  });
});

test('what cannot be trained gives features, from which its own classifier makes PyTorch’s outputs', async () => {
  const blob = file('elu');
  const opened = await openOnnx(blob, 'elu.onnx');
  const found = await opened.architecture();
  if (found.kind !== 'extractor') throw new Error(JSON.stringify(found));
  expect(found).toMatchObject({ unsupported: ['Elu'], extractor: { features: 6 } });
  const extractor = await createExtractor(blob, found.extractor);
  const features = await extractor.run({ images, shape: SHAPE }, { mean: [0, 0, 0], std: [1, 1, 1] });
  await extractor.dispose();
  const tensor = (name: string): Promise<Float32Array> | undefined =>
    opened.tensors.find((entry) => entry.name === name)?.read();
  const [weight, bias] = [await tensor('fc.weight'), await tensor('fc.bias')];
  const made = Float32Array.from(outputs.elu, (_, at) => {
    const [image, output] = [Math.floor(at / 5), at % 5];
    const sum = [0, 1, 2, 3, 4, 5].reduce(
      (total, c) => total + features[6 * image + c] * (weight?.[6 * output + c] ?? 0),
      0,
    );
    return sum + (bias?.[output] ?? 0);
  });
  expect(relativeDifference(Float32Array.from(outputs.elu), made)).toBeLessThan(TOLERANCE);
});
