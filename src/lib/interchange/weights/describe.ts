// What is kept in the list of weights about a file: formats, counts, what kind of network it brings. Reads no tensor.

import { countFlops, countParameters } from '$lib/graph/cost';
import { elements } from '$lib/graph/ops/operation';
import type { Graph } from '$lib/graph/types';
import type { StoredArchitecture, WeightsRecord } from '$lib/storage/records';
import type { WeightsFile } from './contract';

/** Without the network's size, which the file need not say. */
const UNKNOWN_SIZE: readonly [number, number] = [224, 224];

export type WeightsDescription = Pick<
  WeightsRecord,
  'format' | 'tensors' | 'values' | 'architecture' | 'preprocess' | 'classes'
>;

export async function describeWeights(file: WeightsFile): Promise<WeightsDescription> {
  return {
    format: file.format,
    tensors: file.tensors.length,
    values: file.tensors.reduce((sum, { shape }) => sum + elements(shape), 0),
    architecture: await describeArchitecture(file),
    preprocess: file.preprocess,
    classes: file.classes,
  };
}

async function describeArchitecture(file: WeightsFile): Promise<StoredArchitecture> {
  const found = await file.architecture();
  switch (found.kind) {
    case 'none':
      return { kind: 'none' };
    case 'unsupported':
      return { kind: 'unsupported', reason: found.reason, unsupported: found.unsupported };
    case 'extractor': {
      const { title, input, features } = found.extractor;
      const { reason, unsupported } = found;
      return { kind: 'extractor', title, imageSize: input.imageSize, features, reason, unsupported };
    }
    case 'graph': {
      const { title, graph } = found.architecture;
      return {
        kind: 'graph',
        title,
        imageSize: imageSizeOf(graph) ?? file.preprocess?.imageSize ?? UNKNOWN_SIZE,
        features: featuresOf(graph),
        parameters: countParameters(graph).total,
        flops: countFlops(graph),
      };
    }
    default:
      return found satisfies never;
  }
}

function imageSizeOf(graph: Graph): readonly [number, number] | null {
  const input = graph.nodes.find(({ op }) => op === 'input');
  return input?.shape.length === 3 ? [input.shape[0], input.shape[1]] : null;
}

/** Length of the embedding; 0 where the graph names none. */
function featuresOf(graph: Graph): number {
  const node = graph.nodes.find(({ id }) => id === graph.features);
  return node === undefined ? 0 : elements(node.shape);
}
