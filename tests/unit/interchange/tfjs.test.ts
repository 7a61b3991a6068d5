// The files of a TF.js graph model. Whether the converter agrees with them is tests/contract/exports.test.ts.
import { expect, test } from 'vitest';
import type { ExportFile } from '$lib/interchange/contract';
import { fuse } from '$lib/interchange/tfjs/fuse';
import type { GraphDefNode } from '$lib/interchange/tfjs/model';
import { toGraphDef, writeTfjs } from '$lib/interchange/tfjs/write';
import { GraphBuilder } from '$lib/graph/builder';
import { graphCases } from './support/graphs';
import { trainedModel } from './support/models';
import { trainedTiny } from './support/trained';

interface Document {
  format: string;
  generatedBy: string;
  signature: Record<'inputs' | 'outputs', Record<string, unknown>>;
  userDefinedMetadata: Record<string, unknown>;
  modelTopology: { node: { name: string; op: string; input?: string[]; attr: Record<string, unknown> }[] };
  weightsManifest: { paths: string[]; weights: { name: string; shape: number[]; dtype: string }[] }[];
}

async function documentOf(files: readonly ExportFile[]): Promise<Document> {
  return JSON.parse(await files[0].blob.text());
}

test('model.json says what goes in, what comes out and how', async () => {
  const model = trainedTiny();
  const document = await documentOf(writeTfjs(model, { normalization: true }));
  const tensor = (name: string, ...shape: number[]) => ({
    name: `${name}:0`,
    dtype: 'DT_FLOAT',
    tensorShape: { dim: [-1, ...shape].map((size) => ({ size: String(size) })) },
  });
  expect(document.format).toBe('graph-model');
  expect(document.generatedBy).toMatch(/^trainyard \d/);
  expect(document.signature).toEqual({
    inputs: { image: tensor('image', 24, 32, 3) },
    outputs: { logits: tensor('logits', 4), probabilities: tensor('probabilities', 4) },
  });
  expect(document.userDefinedMetadata).toMatchObject({
    labels: model.classes,
    preprocessing: { image_size: [24, 32], normalization_in_model: true, mean: model.preprocess.mean },
    postprocessing: { output: 'probabilities', activation: 'softmax' },
    task: 'classification',
  });
});

test('the manifest describes every byte of the shards, and every constant is a node', async () => {
  const builder = new GraphBuilder([8, 8]);
  const wide = builder.linear('wide', builder.reshape(builder.input, [192]), { features: 12_000 });
  const model = trainedModel(builder.build(builder.linear('out', wide, { features: 3 })));
  const [json, ...shards] = writeTfjs(model, { normalization: true });
  const { weightsManifest, modelTopology } = await documentOf([json]);
  expect(weightsManifest).toHaveLength(1);
  const [{ paths, weights }] = weightsManifest;
  expect(paths).toEqual(['group1-shard1of3.bin', 'group1-shard2of3.bin', 'group1-shard3of3.bin']);
  expect(shards.map(({ path }) => path)).toEqual(paths.map((path) => `tfjs/${path}`));
  expect(shards.slice(0, 2).map(({ blob }) => blob.size)).toEqual([4 * 1024 * 1024, 4 * 1024 * 1024]);
  const bytes = weights.reduce((sum, { shape }) => sum + 4 * shape.reduce((product, length) => product * length, 1), 0);
  expect(shards.reduce((sum, { blob }) => sum + blob.size, 0)).toBe(bytes);
  const constants = modelTopology.node.filter(({ op }) => op === 'Const').map(({ name }) => name);
  expect(constants).toEqual(weights.map(({ name }) => name));
});

test('weights are called as in PyTorch, and nothing is written that no output needs', () => {
  for (const { graph } of graphCases) {
    const { nodes, weights } = toGraphDef(trainedModel(graph), { normalization: true }).graph;
    const read = new Set([...nodes.flatMap(({ inputs }) => inputs), 'logits', 'probabilities']);
    for (const { name } of [...nodes, ...weights]) expect(read).toContain(name);
    const names = [...nodes, ...weights].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  }
  const { weights } = toGraphDef(trainedTiny(), { normalization: true }).graph;
  expect(weights.map(({ name }) => name)).toEqual(expect.arrayContaining(['stem.conv.weight', 'classifier.bias']));
});

test('a convolution, its bias and its ReLU become one operation', async () => {
  const { modelTopology } = await documentOf(writeTfjs(trainedTiny(), { normalization: true }));
  const ops = modelTopology.node.map(({ op }) => op).filter((op) => op !== 'Const');
  expect(ops).toEqual([
    'Placeholder',
    'Mul',
    'AddV2',
    '_FusedConv2D',
    ...Array.from({ length: 6 }, () => ['FusedDepthwiseConv2dNative', '_FusedConv2D']).flat(),
    'Mean',
    '_FusedMatMul',
    'Identity',
    'Softmax',
  ]);
  const stem = modelTopology.node.find(({ op }) => op === '_FusedConv2D');
  expect(stem?.input).toHaveLength(3);
  expect(stem?.attr).toMatchObject({
    fused_ops: { list: { s: [btoa('BiasAdd'), btoa('Relu6')] } },
    num_args: { i: '1' },
    padding: { s: btoa('EXPLICIT') },
    explicit_paddings: { list: { i: ['0', '0', '1', '1', '1', '1', '0', '0'] } },
  });
});

test('what something else reads too is not fused away', () => {
  const node = (name: string, op: string, ...inputs: string[]): GraphDefNode => ({ name, op, inputs, attributes: {} });
  const chain = [node('c', 'Conv2D', 'x', 'w'), node('b', 'BiasAdd', 'c', 'v'), node('r', 'Relu', 'b')];
  const ops = (nodes: GraphDefNode[], outputs = ['r']): string[] =>
    fuse({ nodes, weights: [] }, outputs).nodes.map(({ op }) => op);
  expect(ops(chain)).toEqual(['_FusedConv2D']);
  expect(ops([...chain, node('s', 'AddV2', 'c', 'r')], ['s'])).toEqual(['Conv2D', 'BiasAdd', 'Relu', 'AddV2']);
  expect(ops([...chain, node('s', 'AddV2', 'b', 'r')], ['s'])).toEqual(['_FusedConv2D', 'Relu', 'AddV2']);
  expect(ops(chain, ['b', 'r'])).toEqual(['_FusedConv2D', 'Relu']);
  expect(ops(chain, ['c', 'r'])).toEqual(['Conv2D', 'BiasAdd', 'Relu']);
  // The convolution as the bias is not a bias.
  expect(ops([chain[0], node('b', 'BiasAdd', 'x', 'c'), chain[2]])).toEqual(['Conv2D', 'BiasAdd', 'Relu']);
});
