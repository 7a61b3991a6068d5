// What a run tells, as plain events. Appended to storage, sent to the page (throttled), printed by the command line.

import type { DeviceReport } from '$lib/engines/contract';
import type { ErrorData } from '$lib/core/errors';
import type { LoadReport } from '$lib/interchange/weights/contract';
import type { EvaluationResult } from '$lib/tasks/contract';

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
  | { type: 'notice'; message: string }
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
    }
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
    }
  | { type: 'checkpoint'; kind: 'best' | 'last'; epoch: number; step: number }
  | { type: 'evaluated'; split: string; checkpoint: 'best' | 'last'; evaluationId: string; result: EvaluationResult }
  | { type: 'finished'; status: 'done' | 'stopped'; seconds: number; epochs: number }
  | { type: 'failed'; error: ErrorData };
