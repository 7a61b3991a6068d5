// The entry of a network that came in a file instead of a plugin: a job calls it 'imported' and names the file in model.weights.

import type { ModelEntry } from './contract';

export const IMPORTED = 'imported';

/** What is known of the network in the file; see storage's StoredArchitecture. */
export interface ImportedNetwork {
  title: string;
  imageSize: readonly [number, number];
  /** 0 where it is not known: a frozen ONNX file. */
  parameters?: number;
  flops?: number;
  /** Its weights cannot move: some of its operations run in ONNX Runtime alone. */
  frozen?: boolean;
}

/** Published nets that do not say so read 224 x 224. */
const USUAL_SIZE = 224;

/** An entry like a plugin's. Without `network` (the file is not at hand) it allows what any network could. */
export function importedEntry(network?: ImportedNetwork): ModelEntry {
  const [height = USUAL_SIZE] = network?.imageSize ?? [];
  return {
    meta: {
      id: IMPORTED,
      title: network?.title ?? 'Imported network',
      summary: network?.frozen
        ? 'Computes features that a new head learns from; its own weights stay as they are.'
        : 'A network from a TensorFlow.js, Keras or ONNX file, with a new head for your classes.',
      tasks: ['classification'],
      source: 'imported file',
      weightsLicence: 'none',
      parameters: Math.max(1, network?.parameters ?? 1),
      flops: Math.max(1, network?.flops ?? 1),
      minimumMemory: 1,
      pretrained: [],
      recommended: { imageSize: height, batchSize: 32 },
      // The file's network reads images of one size.
      sizeMultiple: network === undefined ? 1 : height,
      minimumSize: network === undefined ? 1 : height,
      tags: ['imported'],
    },
    config: { fields: {}, presets: [] },
  };
}
