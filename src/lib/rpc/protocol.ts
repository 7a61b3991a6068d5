// The wire: what each worker offers the page. Types only; client.ts and serve.ts move it over comlink.
// Long work takes an event callback and a task id; `cancel(taskId)` ends it at the next boundary.

import type { ParityReport } from '$lib/evaluation/parity/report';
import type { ImportEvent, ImportSource, ImportSummary } from '$lib/data/contract';
import type { BackendName, DeviceReport, DeviceRequest, StepProfile } from '$lib/engines/contract';
import type { ExportEvent, ExportFile, ExportFormat, ExportReport } from '$lib/interchange/contract';
import type { Job } from '$lib/job/job';
import type { LoadReport } from '$lib/interchange/weights/contract';
import type { PreviewImages, PreviewRequest } from '$lib/pipeline/preview';
import type {
  CheckpointSlot,
  DatasetVersionRecord,
  EvaluationRecord,
  RunRecord,
  RunStart,
  SplitName,
  SplitSettings,
  WeightsRecord,
} from '$lib/storage/records';
import type { ImageResults, PredictionJson } from '$lib/tasks/contract';
import type { RunEvent } from '$lib/training/events';

export type { PreviewImages, PreviewRequest };

export type OnEvent<Event> = (event: Event) => void;

/** workers/data.ts: import and everything that reads or rewrites a data set. */
export interface DataApi {
  /** Makes a project when `projectId` is null, else adds a data set version to that project. Nothing is kept when cancelled. */
  import(
    request: {
      taskId: string;
      projectId: string | null;
      projectName: string;
      source: ImportSource;
      split: SplitSettings;
      /** Default true. Nobody looks at them on the command line, and drawing them is most of the work of an import. */
      thumbnails?: boolean;
    },
    onEvent: OnEvent<ImportEvent>,
  ): Promise<ImportSummary>;
  /** New version with another split. */
  resplit(versionId: string, split: SplitSettings): Promise<DatasetVersionRecord>;
  /** New version with classes renamed or merged (two names made equal). `names[i]` is the new name of class i. */
  renameClasses(versionId: string, names: readonly string[]): Promise<DatasetVersionRecord>;
  /** New version without those images. */
  exclude(versionId: string, paths: readonly string[]): Promise<DatasetVersionRecord>;
  /** Makes an older version the data set's head again (undo). */
  setHead(datasetId: string, versionId: string): Promise<void>;
  /**
   * Images of a version as training would see them: the same code, the same random numbers. A later call ends an earlier one, which
   * then gives null, so that a form may ask at every change. Decoded images are kept between calls.
   */
  preview(request: PreviewRequest): Promise<PreviewImages | null>;
  cancel(taskId: string): Promise<void>;
}

/** Where a model comes from: a run of this browser or a bundle that was dropped. */
export type ModelReference =
  | { kind: 'run'; runId: string; checkpoint: CheckpointSlot }
  | {
      kind: 'bundle';
      name: string;
      file: Blob;
      /** safetensors that replace the bundle's own weights (another checkpoint). */ weights?: Blob;
    };

/** A new run. */
export interface TrainRequest {
  projectId: string;
  versionId: string;
  job: Job;
  name: string;
  /** Goes on from a checkpoint of another run of the same project. */
  from?: RunStart;
  groupId?: string;
  variant?: Readonly<Record<string, unknown>>;
  /** Ends the run with a checkpoint, as a stop does; null or absent is no limit. */
  limits?: { seconds: number | null };
}

/**
 * workers/train.ts. Runs are also controlled from other tabs, over a channel; see storage/run-control.ts: whoever asks, the worker
 * that holds the run's lock acts.
 */
export interface TrainApi {
  /** Creates the run record, trains, keeps checkpoints, evaluates the best one on test (else val). Resolves when ended. */
  train(request: TrainRequest, onEvent: OnEvent<RunEvent>): Promise<RunRecord>;
  /** Goes on from the run's last checkpoint with the same job. */
  resume(runId: string, onEvent: OnEvent<RunEvent>): Promise<RunRecord>;
  /** More epochs for a run that is done or stopped, in the same run, the schedule starting over for them. */
  extend(runId: string, epochs: number, onEvent: OnEvent<RunEvent>): Promise<RunRecord>;
  /** Ends the run at the next step boundary, with a checkpoint. */
  stop(): Promise<void>;
  /** Holds the run at the next step boundary, with a checkpoint; device and memory stay taken. */
  pause(): Promise<void>;
  continue(): Promise<void>;
  /** Keeps a checkpoint of the next step boundary in a slot of its own ('saved-<step>'). */
  save(): Promise<void>;
  /** Rising rates on fresh weights until the loss explodes (Smith 2017); nothing is stored. */
  rangeTest(
    request: TrainRequest & { taskId: string; steps?: number },
    onEvent: OnEvent<{ type: 'step'; rate: number; loss: number; done: number; total: number }>,
  ): Promise<RangeTest>;
  /** Times and memory of a few steps at rising batch sizes; nothing is stored. */
  batchSizes(
    request: TrainRequest & { taskId: string; largest?: number },
    onEvent: OnEvent<BatchSizeTrial>,
  ): Promise<{ trials: readonly BatchSizeTrial[]; suggestion: number; reason: string; device: DeviceReport }>;
  /** What the job needs on the device that it asks for, and what that grants. `probe` allocates; else the grant is what is known. */
  memory(request: { job: Job; versionId: string; probe: boolean }): Promise<MemoryReport>;
  /** One training step, by op. */
  profile(request: TrainRequest & { taskId: string }): Promise<StepProfile & { device: DeviceReport }>;
  /** Ends a range test, a batch-size search or a profile. */
  cancel(taskId: string): Promise<void>;
}

export interface RangeTest {
  /** Smoothed as the curve is shown. */
  points: readonly { rate: number; loss: number; smooth: number }[];
  /** Where the smoothed loss falls most steeply; null where it never falls. */
  suggestion: number | null;
  /** Rate at which the loss exploded; null where it did not. */
  diverged: number | null;
}

export interface BatchSizeTrial {
  batchSize: number;
  /** Null where it did not fit, with the reason. */
  imagesPerSecond: number | null;
  memoryBytes: number | null;
  reason: string | null;
}

export interface MemoryReport {
  device: DeviceReport;
  /** Estimated bytes of a training step in one part, and what of it does not depend on the batch. */
  needed: number;
  fixed: number;
  /** Null where the device does not say. */
  granted: number | null;
  /** Parts in which the batch fits; 1 is whole. Null where not even one image does. */
  accumulate: number | null;
}

export interface PredictionEvent {
  type: 'prediction';
  prediction: PredictionJson;
  /** Milliseconds. */
  timing: { decode: number; preprocess: number; run: number };
}

export interface DoctorReport {
  device: DeviceReport;
  crossOriginIsolated: boolean;
  storage: { usedBytes: number; grantedBytes: number; persisted: boolean };
  versions: Readonly<Record<string, string>>;
  userAgent: string;
  cores: number;
}

/** workers/infer.ts: everything with a trained model that is not training. */
export interface InferApi {
  device(request: DeviceRequest): Promise<DeviceReport>;
  doctor(request: DeviceRequest): Promise<DoctorReport>;
  predict(
    request: {
      taskId: string;
      model: ModelReference;
      device: DeviceRequest;
      images: readonly { name: string; file: Blob }[];
    },
    onEvent: OnEvent<PredictionEvent | { type: 'unreadable'; image: string; reason: string }>,
  ): Promise<void>;
  /** A run's evaluation is stored with the run; a bundle's is only returned, with the run id ''. Classes are matched by name. */
  evaluate(
    request: { taskId: string; model: ModelReference; versionId: string; split: SplitName; device: DeviceRequest },
    onEvent: OnEvent<{ type: 'progress'; done: number; total: number }>,
  ): Promise<EvaluationRecord & { images: ImageResults }>;
  /** Writes, loads each file again, compares on held-out images. The files of a failed format are not returned. */
  export(
    request: { taskId: string; model: ModelReference; formats: readonly ExportFormat[]; bundle: boolean },
    onEvent: OnEvent<ExportEvent>,
  ): Promise<{ report: ExportReport; files: readonly ExportFile[]; bundle: Blob | null }>;
  cancel(taskId: string): Promise<void>;
}

export type WeightsEvent = {
  type: 'progress';
  phase: 'download' | 'store' | 'check';
  /** Bytes. */
  done: number;
  total: number | null;
};

/** What is known of weights before they are downloaded. */
export interface WeightsOffer {
  /** As given. */
  reference: string;
  /** Where the request goes. */
  url: string;
  name: string;
  /** Null where the server does not say. */
  bytes: number | null;
  /** Bytes of an interrupted download that are here already. */
  received: number;
  /** There already: nothing needs to be downloaded. */
  stored: WeightsRecord | null;
  licence: string | null;
}

/** workers/weights.ts: weights from files, addresses and the hub. `hub` replaces the hub's base address. */
export interface WeightsApi {
  /** Reads and stores the files of one model. `source` is what a job will call it (a path), null for a dropped file. */
  importFiles(
    request: { taskId: string; name: string; source: string | null; files: readonly { path: string; file: Blob }[] },
    onEvent: OnEvent<WeightsEvent>,
  ): Promise<WeightsRecord>;
  /** Asks the server for the size; the only request before the download itself. */
  offer(request: { reference: string; hub?: string }): Promise<WeightsOffer>;
  /** Downloads (or goes on with a download), checks and stores. Cancelling keeps what has come. */
  download(
    request: { taskId: string; reference: string; hub?: string },
    onEvent: OnEvent<WeightsEvent>,
  ): Promise<WeightsRecord>;
  /** The record with the tensors that its files hold. */
  describe(weightsId: string): Promise<{
    record: WeightsRecord;
    tensors: readonly { name: string; shape: readonly number[]; dtype: string }[];
  }>;
  /** What a model would take from stored weights. Throws 'weights-mismatch' where it refuses them. */
  report(request: {
    weightsId: string;
    model: string;
    config: Readonly<Record<string, unknown>>;
    imageSize: readonly [number, number];
    classes: number;
  }): Promise<LoadReport>;
  /** Files as they are, to be written elsewhere. */
  files(weightsId: string): Promise<readonly { path: string; blob: Blob }[]>;
  cancel(taskId: string): Promise<void>;
}

/** workers/bench.ts: measures, for `trainyard bench`. Times are milliseconds of one run on a machine that may be busy: compare ratios. */
export interface BenchApi {
  /** Training steps on random images, after warm-up. */
  steps(request: {
    device: BackendName;
    model: string;
    imageSize: number;
    batchSize: number;
    steps: number;
  }): Promise<{ device: DeviceReport; medianMs: number; bestMs: number }>;
  /** Decode, preprocess, augment and collate: the first epoch decodes, the second has the images in the cache. */
  pipeline(request: {
    images: number;
    sourceSize: number;
    imageSize: number;
    /** Instead of shifts, turns and colour jitter. */
    policy?: Job['augment']['policy']['name'];
  }): Promise<{ firstPerSecond: number; cachedPerSecond: number; threads: number }>;
  /** A zip of generated JPEGs in folders per class, no two alike, for the import rate. */
  archive(request: { images: number; size: number; classes: number }): Promise<Blob>;
}

/** A parity file's name and content. */
export interface ParityText {
  file: string;
  text: string;
}

/** workers/parity.ts: compares architectures with PyTorch, for `trainyard parity`. */
export interface ParityApi {
  /** Throws `parity-file`, `parity-task` or `unknown-model` for the first file that cannot be run. */
  check(files: readonly ParityText[]): Promise<void>;
  /** One file on one device; the same device for the whole life of the worker. */
  run(request: ParityText & { device: DeviceRequest }): Promise<ParityReport>;
}
