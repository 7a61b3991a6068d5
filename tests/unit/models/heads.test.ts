// Every registered model can get another head and be cut at its features: what fine-tuning and its cache need of a plugin.

import { expect, test } from 'vitest';
import { replaceHead, splitAtFeatures } from '$lib/graph/heads';
import type { HeadSpecification } from '$lib/graph/heads';
import { stagesOf } from '$lib/graph/stages';
import type { Graph } from '$lib/graph/types';
import { buildModel } from '$lib/models/build';
import { MODELS } from '$lib/models/registry';

const HEADS: readonly HeadSpecification[] = [
  { kind: 'linear' },
  { kind: 'mlp', hidden: 32, dropout: 0.1 },
  { kind: 'cosine', scale: 16 },
];

const ids = MODELS.map(({ meta }) => meta.id);
const build = (id: string): Promise<Graph> => buildModel(id, { config: {}, imageSize: [64, 64], classes: 7 });
const names = (graph: Graph): string[] => graph.parameters.map(({ name }) => name);

test.each(ids)('%s takes every kind of head, for another number of classes', async (id) => {
  const graph = await build(id);
  for (const head of HEADS) {
    const replaced = replaceHead(graph, head, 3);
    const output = replaced.nodes.find((node) => node.id === replaced.output);
    expect(output?.shape, head.kind).toEqual([3]);
    const { backbone, head: cut } = splitAtFeatures(replaced);
    expect([...names(backbone), ...names(cut)].sort(), head.kind).toEqual(names(replaced).sort());
  }
  // A linear head is the model's own classifier: its weights go by the names of the source.
  expect(names(replaceHead(graph, { kind: 'linear' }, 3))).toEqual(names(graph));
});

test.each(ids)('the stages of %s hold every parameter before its features once', async (id) => {
  const graph = await build(id);
  const stages = stagesOf(graph);
  expect(stages.length).toBeGreaterThanOrEqual(3);
  const staged = stages.flatMap(({ parameters }) => parameters);
  expect([...staged].sort()).toEqual(names(splitAtFeatures(graph).backbone).sort());
});
