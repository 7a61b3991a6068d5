import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '$lib/graph/builder';
import { replaceHead, splitAtFeatures } from '$lib/graph/heads';
import { hiddenParameters, withHiddenLayer, withProjection } from '$lib/graph/projection';
import type { Graph } from '$lib/graph/types';

function network(pooled: boolean): Graph {
  const builder = new GraphBuilder([8, 8]);
  const conv = builder.activation(builder.conv2d('conv', builder.input, { filters: 6, kernel: 3, stride: 2 }), 'relu');
  const features = pooled ? builder.globalAvgPool(conv) : conv;
  const vector = pooled ? features : builder.globalAvgPool(conv);
  return builder.build(builder.linear('fc', vector, { features: 3 }), { features });
}

describe.each([
  ['a vector', true],
  ['a map that is averaged', false],
])('the projection behind features that are %s', (_, pooled) => {
  it('takes the place of the head: linear, ReLU, linear', () => {
    const graph = withProjection(network(pooled), 4);
    expect(graph.nodes.find(({ id }) => id === graph.output)?.shape).toEqual([4]);
    expect(graph.parameters.map(({ name, shape }) => [name, shape])).toEqual([
      ['conv.weight', [3, 3, 3, 6]],
      ['conv.bias', [6]],
      ['projection.0.weight', [6, 6]],
      ['projection.0.bias', [6]],
      ['projection.2.weight', [6, 4]],
      ['projection.2.bias', [4]],
    ]);
    expect(graph.nodes.filter(({ op }) => op === 'input')).toHaveLength(1);
    const { head } = splitAtFeatures(graph);
    expect(head.parameters.every(({ name }) => name.startsWith('projection.'))).toBe(true);
  });

  it('leaves its hidden layer behind for a classifier to read', () => {
    const own = network(pooled);
    const graph = replaceHead(withHiddenLayer(own), { kind: 'linear' }, 5, { keepOwn: false });
    expect(hiddenParameters(graph)).toEqual(['projection.0.weight', 'projection.0.bias']);
    expect(graph.parameters.map(({ name }) => name)).not.toContain('fc.weight');
    // Cut at the backbone's own features the hidden layer belongs to the head.
    const { backbone, head } = splitAtFeatures({ ...graph, features: own.features });
    expect(backbone.parameters.map(({ name }) => name)).toEqual(['conv.weight', 'conv.bias']);
    expect(head.parameters.map(({ name }) => name)).toEqual([
      'projection.0.weight',
      'projection.0.bias',
      'classifier.weight',
      'classifier.bias',
    ]);
  });
});
