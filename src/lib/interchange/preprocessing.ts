// How an image becomes the input of an exported model, as the JSON that travels with every format.

import type { ResolvedPreprocess } from '$lib/storage/records';
import type { TrainedModel } from './contract';

export interface PreprocessingJson {
  /** [height, width] of the net's input. */
  image_size: readonly [number, number];
  /** 'stretch': both sides scaled freely; 'crop': short side scaled, middle cut out; 'letterbox': long side scaled, rest padded. */
  resize: ResolvedPreprocess['resize'];
  /** Antialiased as Pillow does it, except 'nearest'. */
  interpolation: ResolvedPreprocess['interpolation'];
  channel_order: 'RGB';
  /** Of the values that enter: bytes divided by 255. */
  input_range: readonly [0, 1];
  mean: readonly [number, number, number];
  std: readonly [number, number, number];
  /** True: the model subtracts mean and divides by std itself; false: the caller does. */
  normalization_in_model: boolean;
}

export interface PostprocessingJson {
  /** Output made from the logits, null when there is none. */
  output: string | null;
  activation: 'softmax' | 'sigmoid' | 'none';
  /** sigmoid: the answer is every class above it. */
  threshold?: number;
}

const THRESHOLD = 0.5;

export function preprocessingJson(preprocess: ResolvedPreprocess, normalization: boolean): PreprocessingJson {
  return {
    image_size: preprocess.imageSize,
    resize: preprocess.resize,
    interpolation: preprocess.interpolation,
    channel_order: 'RGB',
    input_range: [0, 1],
    mean: preprocess.mean,
    std: preprocess.std,
    normalization_in_model: normalization,
  };
}

export function postprocessingJson({ activation }: TrainedModel['task']): PostprocessingJson {
  return {
    output: activation.kind === 'none' ? null : activation.name,
    activation: activation.kind,
    ...(activation.kind === 'sigmoid' ? { threshold: THRESHOLD } : {}),
  };
}

/** Key-value pairs for formats that hold strings; every value is JSON except `task` and `trainyard`. */
export function metadataStrings(model: TrainedModel, normalization: boolean, version: string): Record<string, string> {
  return {
    labels: JSON.stringify(model.classes),
    preprocessing: JSON.stringify(preprocessingJson(model.preprocess, normalization)),
    postprocessing: JSON.stringify(postprocessingJson(model.task)),
    task: model.task.id,
    model: model.name,
    trainyard: version,
  };
}
