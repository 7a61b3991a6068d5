// Weights that come from elsewhere: what a file holds, what a model takes from it, what kind of network it describes.

import type { Graph, ParameterValues, Shape } from '$lib/graph/types';

export type WeightsFormat = 'safetensors' | 'pytorch' | 'tfjs-layers' | 'keras-h5' | 'onnx';

/** Whose names and layouts the tensors have: PyTorch's (OIHW), Keras's (HWIO, 'layer/kernel') or an ONNX graph's. */
export type WeightsConvention = 'torch' | 'keras' | 'onnx';

/** A file of those that make up one model: 'model.json' and its shards, or a single file. */
export interface WeightsSource {
  /** '/' between parts. */
  path: string;
  blob: Blob;
}

/** A tensor in a file. Integer and boolean ones are listed, too: `dtype` says so. */
export interface TensorEntry {
  name: string;
  shape: Shape;
  /** The file's own word in lower case: 'float32', 'float16', 'bfloat16', 'int64'. */
  dtype: string;
  /** A fresh array, row-major in the file's own layout, of every number as float32. Reads from the blob each time. */
  read(): Promise<Float32Array>;
}

/** An opened file (or several that belong together). Holds blobs, not values. */
export interface WeightsFile {
  format: WeightsFormat;
  convention: WeightsConvention;
  /** In the file's order; names are unique. */
  tensors: readonly TensorEntry[];
  /** What the file says beside its tensors; null where it says nothing. */
  classes: readonly string[] | null;
  preprocess: InputPreprocess | null;
  /** The network itself, for formats that hold it. Throws nothing: what cannot be read is an answer. */
  architecture(): Promise<ArchitectureResult>;
}

/** What a net expects of an image. Mean and std of RGB in 0..1; null where the source does not say. */
export interface InputPreprocess {
  mean: readonly [number, number, number];
  std: readonly [number, number, number];
  /** [height, width] */
  imageSize: readonly [number, number] | null;
  resize: 'stretch' | 'crop' | 'letterbox' | null;
  interpolation: 'bilinear' | 'bicubic' | 'nearest' | null;
}

export type ArchitectureResult =
  /** The format holds weights alone. */
  | { kind: 'none' }
  /** A graph that trains. */
  | { kind: 'graph'; architecture: ImportedArchitecture }
  /** It runs in ONNX Runtime, but some operations are not ours: good for features. */
  | { kind: 'extractor'; extractor: ImportedExtractor; reason: string; unsupported: readonly string[] }
  /** Neither. */
  | { kind: 'unsupported'; reason: string; unsupported: readonly string[] };

export interface ImportedArchitecture {
  /** The name that the file gives itself, or 'model'. */
  title: string;
  /** With the file's own head; `features` names the pooled embedding. Parameter names are the file's layers' ('Conv1.weight'). */
  graph: Graph;
  /** In our layout, one for each of the graph's parameters. */
  parameters: ParameterValues;
}

/** An ONNX graph cut behind its features. */
export interface ImportedExtractor {
  title: string;
  input: { name: string; layout: 'NCHW' | 'NHWC'; imageSize: readonly [number, number] };
  /** Name and length of the output that gives the features. */
  output: string;
  features: number;
}

/** What a model took from a file. Names are the model's where it has them, else the file's. */
export interface LoadReport {
  /** Name of the file, address or hub name. */
  source: string;
  format: WeightsFormat;
  loaded: readonly string[];
  /** In the model, not in the file: they start anew. */
  missing: readonly string[];
  /** In the file, not in the model. */
  unused: readonly string[];
  /** Another shape; `reason` says what became of it ('a classifier of 1,000 classes: replaced by one of 5'). Shapes are PyTorch's. */
  mismatched: readonly { name: string; expected: Shape; found: Shape; reason: string }[];
  /** Position embeddings brought to another size. */
  resampled: readonly { name: string; from: Shape; to: Shape }[];
  /** Tensors of the model without its classifier: how many there are, how many were loaded. */
  backbone: { loaded: number; total: number };
  /** How tensors were found where it was not plainly by name; sentences. */
  notes?: readonly string[];
}
