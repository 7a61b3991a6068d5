// What a run tells, as plain events. Appended to storage, sent to the page (throttled), printed by the command line.

import type { DeviceReport } from '$lib/engines/contract';
import type { ErrorData } from '$lib/core/errors';
import type { LoadReport } from '$lib/interchange/weights/contract';
import type { CheckpointRecord } from '$lib/storage/records';
import type { EvaluationResult } from '$lib/tasks/contract';

/** Milliseconds a step, on the clock of the thread that trains; validation and pauses are in none of them. */
export interface StepTiming {
  /** From asking for the next batch until it is there. */
  data: number;
  /** The call that hands a batch to the device and enqueues the step. 0 where that call computes (WASM, CPU). */
  upload: number;
  /** Waiting for a step that is still under way. On WASM and CPU the call that computes it. */
  compute: number;
  /** Values that come to the host: losses that are known, norms, copies for checkpoints. */
  read: number;
}

/** Euclidean norms over all values of a parameter; `update` is of the change by this step. */
export interface LayerNorm {
  name: string;
  weight: number;
  gradient: number;
  update: number;
}

export type RunEvent =
  | {
      type: 'started';
      runId: string;
      device: DeviceReport;
      epochs: number;
      stepsPerEpoch: number;
      parameters: number;
      images: { train: number; val: number; test: number };
      /** Where it goes on, after a resume. */
      fromStep: number;
    }
  /** The run starts from these weights. */
  | { type: 'weights'; name: string; report: LoadReport }
  /** Features of the frozen backbone: how many of all are there; `cached` of them were there before. */
  | { type: 'features'; done: number; total: number; cached: number }
  /** Contrastive training comes before the classifier's; each has epochs of its own. */
  | { type: 'phase'; phase: 'contrastive' | 'classifier'; epochs: number }
  /** Things the person should know that are no error: "No validation images: the last epoch is kept as the best." */
  | { type: 'notice'; message: string; level?: 'info' | 'warning' }
  /** About ten a second at most; values are means since the last one. */
  | {
      type: 'progress';
      step: number;
      epoch: number;
      stepInEpoch: number;
      loss: number;
      learningRate: number;
      imagesPerSecond: number;
      secondsLeft: number;
      /** Of the engine, bytes on the device. */
      memoryBytes: number;
      /** Milliseconds a step, means since the last one: waiting for data, handing it over, computing, reading losses back. */
      timing?: StepTiming;
    }
  /** Norms by layer, where the job asks for them. */
  | { type: 'norms'; step: number; epoch: number; layers: readonly LayerNorm[] }
  | { type: 'paused'; step: number }
  | { type: 'continued'; step: number; seconds: number }
  /** The browser held the tab still, or the run was interrupted and went on by itself. */
  | { type: 'away'; seconds: number; reason: 'frozen' | 'closed' | 'lost-device' }
  /** What a run needs and what the device grants, in bytes; before it starts. */
  | { type: 'memory'; needed: number; granted: number | null; batchSize: number; accumulate: number }
  /** The device could not do it as asked; from this step on the batch is computed in so many parts. */
  | { type: 'adapted'; step: number; accumulate: number; reason: string }
  | { type: 'validating'; epoch: number; done: number; total: number }
  | {
      type: 'epoch';
      epoch: number;
      step: number;
      /** train_loss, val_loss, val_accuracy, ... */
      metrics: Readonly<Record<string, number>>;
      learningRate: number;
      seconds: number;
      best: boolean;
      /** A validation between two epochs: `epoch` has not ended. */
      within?: boolean;
    }
  | { type: 'checkpoint'; kind: CheckpointRecord['kind']; slot?: string; epoch: number; step: number }
  | { type: 'evaluated'; split: string; checkpoint: string; evaluationId: string; result: EvaluationResult }
  | { type: 'finished'; status: 'done' | 'stopped'; seconds: number; epochs: number }
  | { type: 'failed'; error: ErrorData; detail?: FailureDetail };

/** What is known of a loss that became NaN or exploded. */
export interface FailureDetail {
  step: number;
  learningRate: number;
  loss: number;
  /** Largest first; not finite ones come before all others. Empty where the device no longer tells. */
  gradients: readonly { name: string; norm: number }[];
  /** The step of these gradients, where it is an earlier one: that of the failure has none that is a number. */
  gradientsAt?: number;
}
