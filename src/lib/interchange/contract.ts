// What an export is made from and what it reports.

import type { Graph, ParameterValues } from '$lib/graph/types';
import type { ResolvedPreprocess } from '$lib/storage/records';
import type { EvaluationResult } from '$lib/tasks/contract';
import type { Job } from '$lib/job/job';
import type { ImportedExtractor } from './weights/contract';

export type ExportFormat = 'onnx' | 'tfjs' | 'safetensors' | 'pytorch';

/** A trained model with all that goes with it. The graph is the raw one (no normalisation node). */
export interface TrainedModel {
  name: string;
  graph: Graph;
  /**
   * A frozen ONNX file that makes the features; `graph` then is the head alone, whose input is [1, 1, features]. `weightsId` says
   * where a run keeps the file; a bundle's own file has none.
   */
  extractor?: ImportedExtractor & { file: Blob; weightsId?: string };
  parameters: ParameterValues;
  classes: readonly string[];
  preprocess: ResolvedPreprocess;
  task: { id: string; activation: { name: string; kind: 'softmax' | 'sigmoid' | 'none' } };
  job: Job;
  /** Held-out result for the model card, when there is one. */
  evaluation: { split: string; checkpoint: string; epoch: number; result: EvaluationResult } | null;
  /** Of the data set, for the model card. */
  data: { name: string; images: { train: number; val: number; test: number } };
}

export interface ExportFile {
  /** Path inside the bundle: 'model.onnx', 'tfjs/model.json'. */
  path: string;
  blob: Blob;
}

export interface FormatReport {
  format: ExportFormat;
  files: readonly { path: string; bytes: number }[];
  /** 'verified': loaded again and within tolerance; 'failed': `reason` says why, files are not offered. */
  status: 'verified' | 'failed';
  reason: string;
  /** What a verified file is not: the whole model, for example. */
  note?: string;
  /** Largest |difference| of the logits over the check images, and relative to the largest |logit|. */
  maxDifference: number | null;
  relativeDifference: number | null;
  tolerance: number;
  /** Held-out images the check ran on. */
  images: number;
}

export interface ExportReport {
  formats: readonly FormatReport[];
  bundle: { path: 'bundle.zip'; bytes: number } | null;
}

export type ExportEvent =
  | { type: 'phase'; phase: 'reference' | 'writing' | 'checking' | 'bundling'; format: ExportFormat | null }
  | { type: 'format'; report: FormatReport };
