// What is kept in IndexedDB, as types. Ids are random UUIDs, times are milliseconds since 1970, blobs are named by SHA-256.

import type { Job } from '$lib/job/job';
import type { RunEvent } from '$lib/training/events';
import type { DeviceReport, TrainState } from '$lib/engines/contract';
import type { EvaluationResult, ImageResults } from '$lib/tasks/contract';
import type { ImportedExtractor, InputPreprocess, LoadReport, WeightsFormat } from '$lib/interchange/weights/contract';
import type { Graph } from '$lib/graph/types';

export type SplitName = 'train' | 'val' | 'test';

export interface ProjectRecord {
  id: string;
  name: string;
  /** Id of a registered task. */
  task: string;
  createdAt: number;
  updatedAt: number;
  /** Made by "Try a sample". */
  sample: boolean;
}

export interface DatasetRecord {
  id: string;
  projectId: string;
  name: string;
  createdAt: number;
  /** The version that the pages show and new runs use. */
  headVersionId: string;
}

/** What a person says about an image; tasks read the kind that they know. */
export type Annotation =
  | { kind: 'class'; class: number }
  /** Any number of classes at once, rising, without repetition; none is an answer, too. */
  | { kind: 'classes'; classes: readonly number[] }
  | { kind: 'none' };

export interface Item {
  /** Path inside the data set, '/' between parts, unique in the version. */
  path: string;
  /** SHA-256 of the file, hex; key in `blobs`. */
  blob: string;
  /** After EXIF orientation. */
  width: number;
  height: number;
  bytes: number;
  annotation: Annotation;
  /** The split this version assigns. */
  split: SplitName;
  /** The split of the folder it came from, when it said one. */
  folderSplit?: SplitName;
}

export interface ClassInfo {
  name: string;
}

export interface SplitSettings {
  /** 'folders' uses the folders' own and takes what is missing (validation, test) from train by the fractions. */
  source: 'folders' | 'fractions';
  /** Of the whole for 'fractions'; train takes the rest. 0 leaves the split empty. */
  val: number;
  test: number;
  stratified: boolean;
  seed: number;
}

export interface Statistics {
  /** Per channel R, G, B in 0..1 over the images of the train split, each image counting the same; `sampled` is their number. */
  mean: readonly [number, number, number];
  std: readonly [number, number, number];
  sampled: number;
  /** 'WxH' -> count, most frequent first, at most 50 entries; `otherSizes` counts the rest. */
  sizes: readonly { width: number; height: number; count: number }[];
  otherSizes: number;
  bytes: number;
}

/** Something about the data that the person should see. Plain data; `paths` names the images. */
export type DataProblem =
  | { kind: 'unreadable'; path: string; reason: string }
  | { kind: 'skipped'; path: string; reason: string }
  /** Same content more than once. */
  | { kind: 'duplicate'; paths: readonly string[]; sameLabel: boolean; acrossSplits: boolean }
  | { kind: 'small-class'; class: string; count: number };

export interface DatasetVersionRecord {
  id: string;
  datasetId: string;
  projectId: string;
  /** Id of the task that its annotations are for; the project's while this version is the head. Absent: the project's. */
  task?: string;
  /** 1, 2, ... within the data set. */
  number: number;
  createdAt: number;
  parentId: string | null;
  /** 'Imported flowers.zip', 'Split 70 / 15 / 15'. */
  change: string;
  classes: readonly ClassInfo[];
  items: readonly Item[];
  split: SplitSettings;
  statistics: Statistics;
  problems: readonly DataProblem[];
}

export interface BlobRecord {
  hash: string;
  mime: string;
  bytes: Uint8Array<ArrayBuffer>;
}

/** A small WebP or JPEG for the gallery; absent where the image itself is small. */
export interface ThumbnailRecord {
  hash: string;
  mime: string;
  bytes: Uint8Array<ArrayBuffer>;
}

export type RunStatus = 'running' | 'paused' | 'done' | 'stopped' | 'interrupted' | 'failed';

export interface RunRecord {
  id: string;
  projectId: string;
  versionId: string;
  name: string;
  /** Resolved: every default filled in. */
  job: Job;
  classes: readonly string[];
  status: RunStatus;
  createdAt: number;
  startedAt: number | null;
  endedAt: number | null;
  device: DeviceReport | null;
  epochsDone: number;
  stepsDone: number;
  /** The metric that decides, its best value and where. */
  best: { metric: string; value: number; epoch: number } | null;
  error: { code: string; message: string; hint: string } | null;
  /** Preprocessing as resolved against the data set (mean and std are numbers). */
  preprocess: ResolvedPreprocess;
  /** Of a sweep or of k-fold; see GroupRecord. */
  groupId?: string;
  /** The values in which this run differs from its group, by dotted path. */
  variant?: Readonly<Record<string, unknown>>;
  /** The checkpoint of another run that it goes on from: with its whole state, or with its weights alone. */
  parent?: { runId: string; slot: string; keep: 'state' | 'weights' };
  /** A run that was extended: the epochs of each part, each with the schedule from its start; absent: one part. */
  segments?: readonly number[];
  /** What the device could not do as asked. `accumulate` is in force from then on instead of the job's. */
  adapted?: { accumulate: number; reason: string };
  /** What it started from; absent: random numbers. Removing the weights from storage takes nothing from the run. */
  weights?: { id: string; name: string; report: LoadReport };
  /** The network of a run whose model is 'imported', head included: no plugin could build it again. */
  graph?: Graph;
  /** A frozen ONNX file computes the features; `graph` then reads them. The file stays in storage under this weights id. */
  extractor?: ImportedExtractor & { weightsId: string };
}

/** All that a later use needs to turn an image file into the net's input. */
export interface ResolvedPreprocess {
  /** [height, width] */
  imageSize: readonly [number, number];
  resize: 'stretch' | 'crop' | 'letterbox';
  interpolation: 'bilinear' | 'bicubic' | 'nearest';
  /** In 0..1, RGB. */
  mean: readonly [number, number, number];
  std: readonly [number, number, number];
}

/** Key [runId, sequence]. Only ever appended. */
export interface RunEventRecord {
  runId: string;
  sequence: number;
  time: number;
  event: RunEvent;
}

/** How a person calls a checkpoint of a run: 'best', 'last', 'epoch-12', 'top-12', 'saved-3400' (the step). */
export type CheckpointSlot = string;

export interface CheckpointRecord {
  id: string;
  runId: string;
  /** Why it was kept: the best so far, the newest, one of every few epochs, one of the best few, on request. */
  kind: 'best' | 'last' | 'epoch' | 'top' | 'saved';
  /** Unique in the run; 'best' and 'last' are replaced, each with all others of one saving in one transaction. */
  slot: CheckpointSlot;
  /** Counts from 1: the epoch that had just ended, or in which it was made. */
  epoch: number;
  createdAt: number;
  metrics: Readonly<Record<string, number>>;
  /** Where to go on: `epoch` counts from 0, `stepInEpoch` steps of it are done. Within the phase. */
  position: { epoch: number; stepInEpoch: number };
  /** Made during metric learning, whose projection is among the parameters; absent: of the classifier. */
  phase?: 'contrastive';
  /** What the loop carries over besides: the unfinished epoch's loss, the best value so far, how long it has not been beaten. */
  carried?: {
    lossSum: number;
    lossSteps: number;
    best: { value: number; epoch: number } | null;
    stopping: { reference: number | null; waited: number };
    /** Of the plateau schedule: factor so far, best value, validations waited and of cooldown left. */
    plateau?: { factor: number; best: number | null; waited: number; cooling: number };
    /** Values of the 'top' checkpoints that are kept, best first. */
    top?: readonly { slot: CheckpointSlot; value: number }[];
    /** Steps that were done at the last validation within an epoch, so that one that was cut off is made up for. */
    validated?: number;
  };
  /** Whole in every checkpoint, so that a run can go on from any. Those of one saving share it in storage. */
  state: TrainState;
}

export interface EvaluationRecord {
  id: string;
  runId: string;
  checkpoint: CheckpointSlot;
  /** Epoch of that checkpoint. */
  epoch: number;
  versionId: string;
  split: SplitName;
  createdAt: number;
  result: EvaluationResult;
}

/** Key evaluationId: per-image results, columns. */
export interface ImageResultsRecord {
  evaluationId: string;
  results: ImageResults;
}

/** Key id: weights from elsewhere, kept as the files that they were. Their bytes are in WeightsPartRecord. */
export interface WeightsRecord {
  /** SHA-256 over the contents of its files, hex. */
  id: string;
  /** For people: the hub's or the file's name. */
  name: string;
  /** What a job may call it: hub name, address, path as given on the command line. 'sha256:<id>' always works, too. */
  sources: readonly string[];
  format: WeightsFormat;
  createdAt: number;
  usedAt: number;
  bytes: number;
  files: readonly { path: string; bytes: number; parts: number }[];
  /** Number of its tensors and of the values in them. */
  tensors: number;
  values: number;
  architecture: StoredArchitecture;
  preprocess: InputPreprocess | null;
  classes: readonly string[] | null;
  licence: string | null;
}

/** What kind of network a weights file brings; its graph is made anew from the file when it is used. */
export type StoredArchitecture =
  | { kind: 'none' }
  | {
      kind: 'graph';
      title: string;
      imageSize: readonly [number, number];
      features: number;
      parameters: number;
      flops: number;
    }
  | {
      kind: 'extractor';
      title: string;
      imageSize: readonly [number, number];
      features: number;
      reason: string;
      unsupported: readonly string[];
    }
  | { kind: 'unsupported'; reason: string; unsupported: readonly string[] };

/** Key [id, file, part]; parts of at most WEIGHTS_PART_BYTES, in order. */
export interface WeightsPartRecord {
  id: string;
  file: number;
  part: number;
  bytes: Uint8Array<ArrayBuffer>;
}

/** Key url: a download that was interrupted, to be gone on with. */
export interface DownloadRecord {
  url: string;
  /** Validators of what has come so far: with another one the server's file has changed. */
  etag: string | null;
  total: number | null;
  received: number;
  parts: number;
  startedAt: number;
}

/** Key [url, part]. */
export interface DownloadPartRecord {
  url: string;
  part: number;
  bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Key `key`: features of a frozen backbone. The key is a SHA-256 over all that they depend on (graph, weights, preprocessing,
 * augmentation and seed of the copies), not on the data set: images are found by their blobs.
 */
export interface FeatureCacheRecord {
  key: string;
  /** For people: 'MobileNetV1 0.25 at 224 px'. */
  title: string;
  /** Length of a feature vector. */
  width: number;
  /** Stored vectors and their bytes. */
  vectors: number;
  bytes: number;
  createdAt: number;
  usedAt: number;
}

/** Key [key, chunk]: rows of features, only ever appended. */
export interface FeatureChunkRecord {
  key: string;
  chunk: number;
  /** Of each row: blob of the image and number of its augmentation (0 is the plain image). */
  blobs: readonly string[];
  variants: Uint16Array<ArrayBuffer>;
  /** [rows, width] */
  features: Float32Array<ArrayBuffer>;
}

/** Runs that belong together: the trials of a sweep, the folds of a cross-validation. Their order is that of the queue. */
export interface GroupRecord {
  id: string;
  projectId: string;
  versionId: string;
  kind: 'sweep' | 'folds';
  title: string;
  createdAt: number;
  /** The base job and how the others come from it; see sweep/contract.ts. */
  job: Job;
  sweep: SweepSpecification;
  /** Names of rungs that are done, with the trials that went on (successive halving). */
  rungs: readonly { epochs: number; survivors: readonly string[] }[];
  /** Metric that decides, 'val_accuracy', and which way is better. */
  metric: { name: string; better: 'higher' | 'lower' };
}

/** A run that waits for its turn, has it, or had it. */
export interface QueueRecord {
  id: string;
  projectId: string;
  versionId: string;
  name: string;
  /** What happens in its turn: a new run, or going on with one that there is. */
  work:
    | { kind: 'train'; job: Job; from?: RunStart }
    | { kind: 'resume'; runId: string }
    | { kind: 'extend'; runId: string; epochs: number };
  groupId?: string;
  variant?: Readonly<Record<string, unknown>>;
  /** Turn by rising number; a person may change it. */
  order: number;
  status: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';
  /** Once it has begun. */
  runId: string | null;
  addedAt: number;
  /** Of a run that failed for a passing reason (lost device, memory, a server): how often it was tried, and when again. */
  attempts: number;
  notBefore: number | null;
  /** Ends the run with a checkpoint; null is no limit. */
  limits: { seconds: number | null };
  error: { code: string; message: string; hint: string } | null;
}

/** Where a new run takes its state or its weights from. */
export interface RunStart {
  runId: string;
  slot: CheckpointSlot;
  keep: 'state' | 'weights';
}

/** Which jobs a group consists of. */
export type SweepSpecification =
  /** Every combination. */
  | { method: 'grid'; values: Readonly<Record<string, readonly unknown[]>> }
  | { method: 'random'; space: SweepSpace; trials: number; seed: number }
  /** Trials with few epochs; the best 1 / factor of them go on with `factor` times as many, up to `maximum`. */
  | {
      method: 'halving';
      space: SweepSpace;
      trials: number;
      seed: number;
      minimum: number;
      maximum: number;
      factor: number;
    }
  | { method: 'folds'; folds: number };

/** By dotted path: from where a value is drawn. */
export type SweepSpace = Readonly<
  Record<
    string,
    | { kind: 'choice'; values: readonly unknown[] }
    | { kind: 'uniform' | 'log_uniform'; minimum: number; maximum: number; integer?: boolean }
  >
>;
