// What a model plugin is: data (meta.ts, config.ts) and one pure function (build.ts). The page loads the data only.

import type { Fields, Preset, Problem } from '$lib/core/schema';
import type { Graph, Pair } from '$lib/graph/types';

/** Published weights of a model. */
export interface PretrainedWeights {
  /** On the hub, as a job names it in `model.weights`: 'timm/mobilenetv3_small_100.lamb_in1k'. */
  name: string;
  /** What it was trained on: 'ImageNet-1k'. */
  data: string;
  licence: string;
  /** Of the file, about; the page asks the hub before it downloads. */
  bytes: number;
  /** How its images were prepared. Mean and std in 0..1, RGB. */
  imageSize: number;
  mean: readonly [number, number, number];
  std: readonly [number, number, number];
  interpolation: 'bilinear' | 'bicubic' | 'nearest';
}

export interface ModelMeta {
  /** timm's or the field's name; the folder is named alike with '-' for '_' allowed. Unique, or registration throws. */
  id: string;
  title: string;
  /** One sentence: what it is good for. */
  summary: string;
  /** Ids of the tasks whose graphs it can be. */
  tasks: readonly string[];
  paper?: { title: string; authors: string; year: number; url: string };
  /** The implementation whose parameter names and numbers it equals. */
  source: string;
  /** Licence of published weights, or 'none'. */
  weightsLicence: string;
  /** Trainable parameters at 10 classes. */
  parameters: number;
  /** Floating-point operations of one forward pass at the recommended size (a multiply-add counts as 2), as graph/cost counts them. */
  flops: number;
  /** Bytes that training needs at the least: estimateTrainingMemory at the recommended size, batch 8, AdamW, no dropout. */
  minimumMemory: number;
  /** Published weights with these parameter names; the recommended one first. Empty: there are none. */
  pretrained: readonly PretrainedWeights[];
  recommended: { imageSize: number; batchSize: number };
  /** Height and width must be multiples of this and at least minimumSize. */
  sizeMultiple: number;
  minimumSize: number;
  tags: readonly string[];
}

export interface ModelConfigSchema {
  fields: Fields;
  presets: readonly Preset[];
  /** What no single field can see. */
  check?(config: ModelConfig): Problem[];
}

/** Values of the plugin's own fields (`model.config` in the job). */
export type ModelConfig = Readonly<Record<string, unknown>>;

export interface BuildRequest {
  config: ModelConfig;
  /** [height, width] of the input; three channels. */
  imageSize: Pair;
  /** Number of outputs. */
  classes: number;
}

/** Pure: same request, same graph. Default export of build.ts. */
export type BuildModel = (request: BuildRequest) => Graph;

/**
 * How weights of other frameworks fit the model's parameters. Default export of weights.ts, which only models need that have published
 * Keras weights; PyTorch's names are the model's own.
 */
export interface WeightsMapping {
  /** The Keras variable that holds a parameter ('conv1/kernel' for 'conv_stem.weight'), null where there is none. */
  keras?(parameter: string): string | null;
  /** What Keras weights of this model expect of an image, RGB in 0..1; 'bgr': the first convolution reads the channels in that order. */
  kerasInput?: {
    mean: readonly [number, number, number];
    std: readonly [number, number, number];
    channels: 'rgb' | 'bgr';
  };
}

/** What meta.ts and config.ts together give the page. */
export interface ModelEntry {
  meta: ModelMeta;
  config: ModelConfigSchema;
}
