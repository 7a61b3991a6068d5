// Names a feature cache after all that its features depend on, and nothing else: backbone, its weights, preprocessing and, for
// changed copies, augmentation and seed. Not the head, the loss, the rates or the data set: images are found by their blobs.

import type { Graph, ParameterValues } from '$lib/graph/types';
import { sha256 } from '$lib/interchange/sha256';
import type { ImportedExtractor } from '$lib/interchange/weights/contract';
import type { Job } from '$lib/job/job';
import type { ResolvedPreprocess } from '$lib/storage/records';

/** What computes the features: a graph with its values, or a stored ONNX file. */
export type FeatureSource =
  | { kind: 'graph'; backbone: Graph; parameters: ParameterValues }
  | { kind: 'extractor'; extractor: ImportedExtractor; weightsId: string };

/** SHA-256, hex. `augmented`: of changed copies of the images. */
export async function featureKey(
  source: FeatureSource,
  preprocess: ResolvedPreprocess,
  augmented: { augment: Job['augment']; seed: number } | null,
): Promise<string> {
  const network =
    source.kind === 'graph'
      ? { graph: source.backbone, values: await valuesHash(source.backbone, source.parameters) }
      : { extractor: source.extractor, values: source.weightsId };
  return sha256(new TextEncoder().encode(canonicalJson({ network, preprocess, augmented })));
}

/** Of every parameter of the graph, in its order. */
async function valuesHash({ parameters: specifications }: Graph, values: ParameterValues): Promise<string> {
  const hashes: string[] = [];
  for (const { name } of specifications) {
    // A copy: the digest wants a buffer that nobody shares.
    hashes.push(`${name} ${await sha256(new Uint8Array(Float32Array.from(values.get(name) ?? []).buffer))}`);
  }
  return sha256(new TextEncoder().encode(hashes.join('\n')));
}

/** The same text for the same content: keys in order, undefined left out. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
