// All that differs between classification, segmentation and detection. Nothing outside tasks/ asks which task it is.
// A task is pure and free of tfjs here; its differentiable losses are in tasks/<id>/loss.ts and registered in tasks/losses.ts.

import type { Fields } from '$lib/core/schema';
import type { Annotation, Item } from '$lib/storage/records';

export interface MetricInfo {
  id: string;
  title: string;
  /** Which way is better. */
  better: 'higher' | 'lower';
  /** 'ratio' is shown as per cent. */
  format: 'ratio' | 'number';
  /** A share of the images, k of n: a binomial confidence interval applies. */
  share?: boolean;
}

/** `null` is undefined (0 / 0), said so wherever it is shown. */
export type MetricValue = number | null;

export interface PerClassResult {
  class: string;
  precision: MetricValue;
  recall: MetricValue;
  f1: MetricValue;
  support: number;
  /** Area under precision over recall; where several classes may be true at once. */
  average_precision?: MetricValue;
}

export interface EvaluationResult {
  count: number;
  metrics: Readonly<Record<string, MetricValue>>;
  classes: readonly string[];
  per_class: readonly PerClassResult[];
  /** Rows are the truth. Absent where a task has none. */
  confusion_matrix?: readonly (readonly number[])[];
  /** What a model that learnt nothing but how frequent classes are would get on the same images. `class` is its constant answer, '' where it has none. */
  baseline: { name: string; class: string; metrics: Readonly<Record<string, MetricValue>> };
  /** Further answers without training, on the same images: k nearest neighbours on the features. */
  baselines?: readonly { id: 'knn'; name: string; metrics: Readonly<Record<string, MetricValue>> }[];
}

/** Per-image results as columns, `count` rows. */
export interface ImageResults {
  paths: readonly string[];
  /** Of several the first; -1 where an image has none. */
  trueClass: Int32Array;
  /** The most probable. */
  predictedClass: Int32Array;
  /** Of the predicted class. */
  confidence: Float32Array;
  loss: Float32Array;
  /** [count, classes], row-major. */
  probabilities: Float32Array;
  /** Where several classes may be true at once: 1 for each that is, [count, classes]. The answer is then all that are over 0.5. */
  trueClasses?: Uint8Array;
}

/** What `predict` prints for an image, see DESIGN.md section 3. */
export interface PredictionJson {
  image: string;
  predicted_class: string;
  confidence: number;
  all_predictions: Readonly<Record<string, number>>;
  /** Where several may be true at once: those over 0.5, the most probable first. */
  predicted_classes?: readonly string[];
}

export interface EvaluationInput {
  /** Raw model outputs (logits), [count, outputs]. */
  outputs: Float32Array;
  annotations: readonly Annotation[];
  paths: readonly string[];
  classes: readonly string[];
  /** Annotations of the train split, for the baseline. */
  train: readonly Annotation[];
}

/** What the page needs of a task, without its code: data. See catalog.ts. */
export interface TaskMeta {
  id: string;
  title: string;
  /** Id of the task whose models it uses: its own, or another's whose outputs it reads in its own way. */
  models: string;
  /** Of its data. An import finds the task of a new project by it. */
  annotations: Annotation['kind'];
  /** Its targets say which images belong together, which metric learning needs. */
  pairs: boolean;
  metrics: readonly MetricInfo[];
  /** Decides the best checkpoint unless the job says otherwise. */
  primaryMetric: string;
  /** Fields of `loss` in the job. */
  lossFields: Fields;
}

/** The code behind a {@link TaskMeta}; see registry.ts. */
export interface Task extends TaskMeta {
  /** Number of model outputs. */
  outputs(classes: readonly string[]): number;
  /** Batch targets from annotations: [n, classes] float32 for classification. Throws for an annotation that is not of this task. */
  targets(
    annotations: readonly Annotation[],
    classes: readonly string[],
  ): { values: Float32Array; shape: readonly number[] };
  /** Group of each annotation: parts of a division get their share of each, balanced sampling draws from each alike. */
  strata(annotations: readonly Annotation[]): ArrayLike<number>;
  /** What makes training on this data senseless, as a TrainyardError: an empty train split, one class, a class without images. */
  checkTrainable(items: readonly Item[], classes: readonly string[]): void;
  evaluate(input: EvaluationInput): { result: EvaluationResult; images: ImageResults };
  /** One row of raw outputs as probabilities and the answer. */
  decode(output: Float32Array, classes: readonly string[], image: string): PredictionJson;
  /** `predictions.csv`, RFC 4180, header included. */
  predictionsCsv(images: ImageResults, classes: readonly string[]): string;
  /** Name of the extra ONNX output made from the logits and how: 'softmax'. */
  exportActivation: { name: string; kind: 'softmax' | 'sigmoid' | 'none' };
}
