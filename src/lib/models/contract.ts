// What a model plugin is: data (meta.ts, config.ts) and one pure function (build.ts). The page loads the data only.

import type { Fields, Preset, Problem } from '$lib/core/schema';
import type { Graph, Pair } from '$lib/graph/types';

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

/** What meta.ts and config.ts together give the page. */
export interface ModelEntry {
  meta: ModelMeta;
  config: ModelConfigSchema;
}
