// The graph that the exporters write: normalisation in front, batch norm folded away.

import { foldBatchNorm, withNormalization } from '$lib/graph/passes';
import type { Graph, ParameterValues } from '$lib/graph/types';
import type { TrainedModel } from './contract';

export interface GraphOptions {
  /** Subtract mean and divide by std inside the model; else the caller does. */
  normalization: boolean;
  /** Default true: batch norm becomes part of the layer before it where nothing else reads that layer. */
  foldBatchNorm?: boolean;
}

export function exportGraph(
  { graph, parameters, preprocess: { mean, std } }: Pick<TrainedModel, 'graph' | 'parameters' | 'preprocess'>,
  { normalization, foldBatchNorm: fold = true }: GraphOptions,
): { graph: Graph; parameters: ParameterValues } {
  const whole = normalization ? withNormalization(graph, mean, std) : graph;
  return fold ? foldBatchNorm(whole, parameters) : { graph: whole, parameters };
}
